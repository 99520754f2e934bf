"""The folder of one owner's journal: locked while the owner lives, then claimed, then closed."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from attrs import define, field, frozen

_LOCK: Final = "lock"
_CLOSED: Final = ".closed"
_HIDDEN: Final = "."
_ABANDONED: Final = 60.0
"""Seconds after which a folder that is still hidden counts as abandoned."""


@frozen
class Closed:
    """A journal that is completely in the store, and the number of its last posting."""

    path: Path
    owner: str
    last: int

    @property
    def since(self) -> float:
        """When it was closed, in file system time."""
        return (self.path / _LOCK).stat().st_mtime


@define(eq=False)
class Folder:
    """A folder that only this process may write to, until `release`."""

    path: Path
    owner: str
    _lock: int = field(repr=False)

    @classmethod
    def make(cls, root: Path, owner: str) -> Self:
        """Create a new owner's folder. It is named after it is locked, so that nobody claims it."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        hidden = root / f"{_HIDDEN}{owner}"
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(hidden)
        hidden.mkdir(mode=0o700)
        lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = root / owner
        hidden.rename(path)
        return cls(path, owner, lock)

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """Claim the folder of a dead owner; None if the owner lives or another claimed it."""
        try:
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have closed or deleted it in the meantime.
            if os.stat(path / _LOCK).st_ino == os.fstat(lock).st_ino:
                return cls(path, _owner(path), lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(lock)
        return None

    def close(self, last: int) -> None:
        """Mark the journal as in the store up to the last posting, and release the folder."""
        os.utime(self.path / _LOCK)
        self.path.rename(self.path.with_name(f"{self.owner}@{last}{_CLOSED}"))
        self.release()

    def release(self) -> None:
        """Release the folder for others to claim. Only once: the descriptor may be reused after."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def delete(self) -> None:
        """Delete the folder and its contents."""
        hidden = self.path.with_name(f"{_HIDDEN}{self.path.name}")
        self.path.rename(hidden)
        shutil.rmtree(hidden)
        self.release()


def unclosed(root: Path) -> Iterator[Path]:
    """The folders of owners that live or whose journals are still to be recovered."""
    for path in _folders(root):
        if not path.name.endswith(_CLOSED) and not path.name.startswith(_HIDDEN):
            yield path


def closed(root: Path) -> Iterator[Closed]:
    """The closed journals, kept in case the store loses data."""
    for path in _folders(root):
        owner, at, last = path.name.removesuffix(_CLOSED).rpartition("@")
        if path.name.endswith(_CLOSED) and at and last.isdigit():
            yield Closed(path, owner, int(last))


def sweep(root: Path) -> None:
    """Delete folders whose creation or deletion was interrupted."""
    for path in _folders(root):
        if path.name.startswith(_HIDDEN) and time.time() - path.stat().st_mtime > _ABANDONED:
            shutil.rmtree(path)


def _owner(path: Path) -> str:
    if path.name.endswith(_CLOSED):
        return path.name.rpartition("@")[0]
    return path.name


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
