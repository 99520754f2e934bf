"""Bringing a journal to the disk, in groups and in another thread."""

import asyncio
import logging

from attrs import define, field

from jackfield.journal import Journal

logger = logging.getLogger("jackfield.ledger")


@define(eq=False)
class Syncing:
    """Syncs one journal for all who want it. `failing` since the last time that it did not work."""

    _journal: Journal
    failing: bool = field(default=False, init=False)
    _wanted: asyncio.Event = field(factory=asyncio.Event, init=False)
    _one: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def want(self) -> None:
        """Have what is written brought to the disk soon."""
        if not self._wanted.is_set():
            self._wanted.set()

    async def wanted(self) -> None:
        """Wait until somebody wants it."""
        await self._wanted.wait()

    async def sync(self) -> None:
        """Bring all that is written so far to the disk, or be `failing`."""
        async with self._one:
            self._wanted.clear()
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
            logger.error("the journal cannot be brought to the disk: %s", error)
            # The system may take what it failed to write for written, but not in another file.
            self._journal.give_up()
        self.failing = True
        self._wanted.set()
