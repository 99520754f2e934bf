"""Reloading: a candidate gateway is started beside the running one, and swapped in if good."""

import asyncio
import gc
import logging
import os
from collections.abc import Callable

from jackfield._gateway import Gateway
from jackfield._mistakes import fault_of
from jackfield.config import Document
from jackfield.errors import JackfieldError

logger = logging.getLogger("jackfield.reload")

WATCH_SECONDS = 1.0
PATIENCE = 10.0
"""Seconds for which other reloads wait for one whose plugins are slow to start."""
MOST_OLD = 3
"""Old gateways that may still be finishing their exchanges; a reload beyond that waits."""


class Generations:
    """The current gateway, and its predecessors that still finish their exchanges."""

    def __init__(self, read: Callable[[], Document]) -> None:
        self._read = read
        self._swaps: list[Callable[[Gateway], None]] = []
        self._retiring: dict[asyncio.Task[None], asyncio.Task[None]] = {}
        self._reloading = asyncio.Lock()
        self._begun: asyncio.Task[None] | None = None
        self.current: Gateway

    async def begin(self, document: Document) -> Gateway:
        """Start the first gateway."""
        self.current = await Gateway(document).start()
        return self.current

    def on_swap(self, swap: Callable[[Gateway], None]) -> None:
        """Call `swap` with each new gateway at the moment it takes over."""
        self._swaps.append(swap)

    async def reload(self) -> None:
        """Read the configuration again. If it cannot be used, nothing changes but the log.

        After PATIENCE seconds this returns and the reload continues in the background, until
        another reload cancels it.
        """
        async with self._reloading:
            if self._begun is not None and self._begun.cancel():
                logger.warning("the previous reload has not finished and is cancelled")
            self._begun = asyncio.create_task(self._reload(self.current))
            await asyncio.wait([self._begun], timeout=PATIENCE)

    async def _reload(self, old: Gateway) -> None:
        while len(self._retiring) >= MOST_OLD:
            logger.warning("reload waits: %d older configurations are still in use", MOST_OLD)
            await asyncio.wait(self._retiring, return_when=asyncio.FIRST_COMPLETED)
        try:
            old.successor = candidate = Gateway(self._read())
            await candidate.start()
        except Exception as error:  # noqa: BLE001 - the running gateway goes on answering
            why = error if isinstance(error, JackfieldError) else fault_of(error)
            logger.error("reload refused, the last good configuration stays: %s", why)
            return
        self.current = candidate
        candidate.draining = old.draining
        for swap in self._swaps:
            swap(candidate)
        # The garbage collector ignores the first gateway, which would keep all later ones alive.
        old.successor = None
        logger.info("configuration reloaded")
        idle = asyncio.create_task(old.idle())
        task = asyncio.create_task(_retire(old, idle))
        self._retiring[task] = idle
        task.add_done_callback(self._retiring.pop)

    async def watch(self, path: str) -> None:
        """Reload when the file has changed and is no longer being written, until cancelled."""
        seen = before = _stamp(path)
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = _stamp(path)
            # Only when two checks agree: an editor may empty the file before it writes.
            if now is not None and now == before != seen:
                seen = now
                await self.reload()
            before = now

    def drain(self) -> None:
        """Report not ready from now on."""
        self.current.draining = True

    async def end_exchanges(self) -> None:
        """End what is still running, in every generation."""
        for idle in self._retiring.values():
            idle.cancel()
        await self.current.end_exchanges()

    async def end(self) -> None:
        """Stop every generation; one that is being stopped already is not interrupted."""
        begun = [self._begun] if self._begun is not None and self._begun.cancel() else []
        await self.end_exchanges()
        await asyncio.gather(*self._retiring, *begun, return_exceptions=True)
        await self.current.stop()


async def _retire(gateway: Gateway, idle: asyncio.Task[None]) -> None:
    """Stop a gateway once it is idle, or once nobody waits for that any more."""
    await asyncio.wait([idle])
    await gateway.stop()
    # What remains of it are reference cycles, which the collector rarely looks for.
    asyncio.get_running_loop().call_soon(gc.collect)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
