"""The place of the file: all connections go to the one that was there first."""

import sqlite3
from pathlib import Path

from attrs import define

from .database import open_database


@define(eq=False)
class Place:
    """Where a store's file is.

    What is written to a file that has been removed, or has been replaced by a copy, is lost, and
    processes that begin later would not see it: such a place is refused until the next start.
    """

    path: Path
    _inode: int | None = None

    def open(self) -> sqlite3.Connection:
        """A new connection. Raises what `open_database` does."""
        if self._inode is not None:
            self.check()
        db = open_database(self.path)
        # A file system that is mounted anew may have another number, its files keep theirs.
        self._inode = self.path.stat().st_ino
        return db

    def check(self) -> None:
        """Raises sqlite3.OperationalError when the file is no longer there."""
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
