"""The file's identity: all connections must use the same file."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

from attrs import define, field

from .database import open_database

logger = logging.getLogger("jackfield.plugins")

LOG_EVERY: Final = 60.0
"""Seconds after which a persisting problem is logged again."""


@define(eq=False)
class StoreFile:
    """The location and identity of a store's file.

    Data written to a file that has been removed or replaced by a copy would be lost, and processes
    started later would not see it: such a file is refused until the next start.
    """

    path: Path
    _inode: int | None = None
    _silent_until: float = 0.0
    _failing: set[object] = field(factory=set)

    def open(self) -> sqlite3.Connection:
        """A new connection. Raises the errors of `open_database`."""
        if self._inode is not None:
            self.check()
        db = open_database(self.path)
        # A file system may get another number when it is remounted; its files keep theirs.
        self._inode = self.path.stat().st_ino
        return db

    def check(self) -> None:
        """Raise sqlite3.OperationalError if the file is gone or replaced."""
        try:
            inode = self.path.stat().st_ino
        except OSError as error:
            reason = error.strerror
        else:
            if inode == self._inode:
                return
            reason = "it is another file"
        raise sqlite3.OperationalError(
            f"the file was removed or replaced while it was in use ({reason}): "
            "put it back, or start all gateways anew"
        )

    def report(self, failure: str, by: object) -> None:
        """Log a problem, unless the file could not be opened at first: the caller reports that."""
        now = time.monotonic()
        if self._inode is None:
            return
        self._failing.add(by)
        if now >= self._silent_until:
            self._silent_until = now + LOG_EVERY
            logger.error("the store cannot be used: %s", failure)

    def report_recovery(self, by: object) -> None:
        """Log the end of a problem, once nobody has it any more."""
        if by in self._failing:
            self._failing.remove(by)
            if not self._failing:
                self._silent_until = 0.0
                logger.info("the store can be used again")
