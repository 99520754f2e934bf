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
MOST_OLD = 3
"""Old gateways that may still be finishing their exchanges; a reload beyond that waits."""


class Generations:
    """The gateway that answers now, and those before it that still finish what they began."""

    def __init__(self, read: Callable[[], Document]) -> None:
        self._read = read
        self._swaps: list[Callable[[Gateway], None]] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self.current: Gateway

    async def begin(self, document: Document) -> Gateway:
        """Start the first gateway."""
        self.current = await Gateway(document).start()
        return self.current

    def on_swap(self, swap: Callable[[Gateway], None]) -> None:
        """Have `swap` called with each new gateway, at the moment at which it takes over."""
        self._swaps.append(swap)

    async def reload(self) -> None:
        """Read the configuration again. One that cannot be used changes nothing, and is logged."""
        async with self._reloading:
            while len(self._retiring) >= MOST_OLD:
                await asyncio.wait(self._retiring, return_when=asyncio.FIRST_COMPLETED)
            try:
                candidate = await Gateway(self._read()).start()
            except JackfieldError as error:
                logger.error("reload refused, the last good configuration stays: %s", error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, requests are answered
                what = f"{type(error).__name__}{place_of(error)}"
                logger.error("reload failed, the last good configuration stays: %s", what)
                return
            old, self.current = self.current, candidate
            for swap in self._swaps:
                swap(candidate)
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
        for task in tuple(self._retiring):
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
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
