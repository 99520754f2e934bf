"""Moves commits from the log into the file, in parallel with new commits."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from attrs import define, field

from jackfield.errors import ConfigError

from .store_file import StoreFile

PAUSE: Final = 1.0
"""Seconds between checkpoints."""


@define(eq=False)
class Checkpoints:
    """One connection with its own thread, for which nobody waits.

    Checkpoints need no lock that a commit needs. Under constant writes they leave a rest, which a
    commit moves once the log is long.
    """

    file: StoreFile
    _thread: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1, "sqlite_checkpoints"))
    _db: sqlite3.Connection | None = None
    _seen: int = 0
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start making checkpoints."""
        self._task = asyncio.create_task(self._repeat())

    async def close(self) -> None:
        """Finish the current one."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _repeat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PAUSE)
            await loop.run_in_executor(self._thread, self._make)

    def _make(self) -> None:
        try:
            if self._db is None:
                self._db = self.file.open()
            # Counts the commits of other connections; this one makes none.
            (seen,) = self._db.execute("PRAGMA data_version").fetchone()
            if seen != self._seen:
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._seen = seen
        except (sqlite3.Error, ConfigError):
            # Connections that write find out and report whether the file can be used.
            self._disconnect()

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
