"""Reloading: a candidate gateway is built beside the running one, and swapped in if good."""

import asyncio
import gc
import logging
import os
from collections.abc import Callable

from jackfield._gateway import Gateway
from jackfield._hook_call import place_of
from jackfield.config import Document
from jackfield.errors import JackfieldError

logger = logging.getLogger("jackfield.reload")

WATCH_SECONDS = 1.0
PATIENCE = 10.0
"""Seconds for which other reloads wait for one whose plugins are slow to start."""
MOST_OLD = 3
"""Old gateways that may still be finishing their exchanges; a reload beyond that waits."""


class Generations:
    """The gateway that answers now, and those before it that still finish what they began."""

    def __init__(self, read: Callable[[], Document]) -> None:
        self._read = read
        self._swaps: list[Callable[[Gateway], None]] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._begun: asyncio.Task[None] | None = None
        self.current: Gateway

    async def begin(self, document: Document) -> Gateway:
        """Start the first gateway."""
        self.current = await Gateway(document).start()
        return self.current

    def on_swap(self, swap: Callable[[Gateway], None]) -> None:
        """Have `swap` called with each new gateway, at the moment at which it takes over."""
        self._swaps.append(swap)

    async def reload(self) -> None:
        """Read the configuration again. One that cannot be used changes nothing, and is logged.

        After PATIENCE seconds it goes on by itself, until another reload gives it up.
        """
        async with self._reloading:
            if self._begun is not None and self._begun.cancel():
                logger.warning("the last reload has not come to an end, and is given up")
            self._begun = asyncio.create_task(self._reload(self.current))
            await asyncio.wait([self._begun], timeout=PATIENCE)

    async def _reload(self, old: Gateway) -> None:
        while len(self._retiring) >= MOST_OLD:
            logger.warning("reload waits: %d older configurations answer still", MOST_OLD)
            await asyncio.wait(self._retiring, return_when=asyncio.FIRST_COMPLETED)
        try:
            old.successor = candidate = Gateway(self._read())
            await candidate.start()
        except JackfieldError as error:
            logger.error("reload refused, the last good configuration stays: %s", error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, requests are answered
            what = f"{type(error).__name__}{place_of(error)}"
            logger.error("reload failed, the last good configuration stays: %s", what)
            return
        self.current = candidate
        for swap in self._swaps:
            swap(candidate)
        # The first gateway is out of the collector's sight, and would hold all that follow.
        old.successor = None
        logger.info("configuration reloaded")
        task = asyncio.create_task(self._retire(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def watch(self, path: str) -> None:
        """Reload when the file has changed and is being written no more, until cancelled."""
        seen = before = _stamp(path)
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = _stamp(path)
            # Between two looks, for who writes to it may empty it first.
            if now is not None and now == before != seen:
                seen = now
                await self.reload()
            before = now

    def drain(self) -> None:
        """Be not ready from now on."""
        self.current.draining = True

    async def end_exchanges(self) -> None:
        """End what still runs, in whichever generation."""
        for task in self._retiring:
            task.cancel()
        await self.current.end_exchanges()

    async def end(self) -> None:
        """Stop every generation."""
        tasks = [*self._retiring, *([self._begun] if self._begun else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.current.stop()

    async def _retire(self, gateway: Gateway) -> None:
        try:
            await gateway.idle()
        finally:
            await gateway.stop()
            # What is left of it are circles, and the collector seldom looks for such.
            asyncio.get_running_loop().call_soon(gc.collect)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
