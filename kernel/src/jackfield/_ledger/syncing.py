"""Syncing a journal to disk, in groups and in another thread."""

import asyncio
import logging

from attrs import define, field

from jackfield.journal import Journal

logger = logging.getLogger("jackfield.ledger")


@define(eq=False)
class Syncing:
    """Syncs one journal for all callers. `failing` is whether the last attempt failed."""

    _journal: Journal
    failing: bool = field(default=False, init=False)
    _requested: asyncio.Event = field(factory=asyncio.Event, init=False)
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def request(self) -> None:
        """Request a sync soon."""
        if not self._requested.is_set():
            self._requested.set()

    async def requested(self) -> None:
        """Wait until a sync is requested."""
        await self._requested.wait()

    async def sync(self) -> None:
        """Sync everything written so far, or set `failing`."""
        async with self._lock:
            self._requested.clear()
            unsynced = self._journal.unsynced()
            try:
                await asyncio.to_thread(unsynced.sync)
            except OSError as error:
                self._failed(error)
                return
            self._journal.synced(unsynced)
            self.failing = False

    def _failed(self, error: OSError) -> None:
        if not self.failing:
            logger.error("the journal cannot be synced to disk: %s", error)
            # The kernel may mark pages clean after a failed write, so only another file is safe.
            self._journal.give_up()
        self.failing = True
        self._requested.set()
