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
"""Seconds after which a folder that is still hidden is nobody's."""


@frozen
class Closed:
    """A journal that is in the store to its end, and the number of its last posting."""

    path: Path
    owner: str
    last: int

    @property
    def since(self) -> float:
        """When it was closed, as a time of the file system."""
        return (self.path / _LOCK).stat().st_mtime


@define(eq=False)
class Folder:
    """A folder that this process alone may write to, until it lets it go."""

    path: Path
    owner: str
    _lock: int = field(repr=False)

    @classmethod
    def make(cls, root: Path, owner: str) -> Self:
        """A new owner's folder. It gets its name when it is locked, so that nobody claims it."""
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
        """The folder of an owner that is dead, or None if it lives or another claims it."""
        try:
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another may have been here in the meantime, and closed or deleted it.
            if os.stat(path / _LOCK).st_ino == os.fstat(lock).st_ino:
                return cls(path, _owner(path), lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(lock)
        return None

    def close(self, last: int) -> None:
        """Say that all is in the store up to the last posting, and let the folder go."""
        os.utime(self.path / _LOCK)
        self.path.rename(self.path.with_name(f"{self.owner}@{last}{_CLOSED}"))
        self.let_go()

    def let_go(self) -> None:
        """Leave the folder to whoever claims it. Once: the number may be another file's by then."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def delete(self) -> None:
        """Delete the folder with all that is in it."""
        hidden = self.path.with_name(f"{_HIDDEN}{self.path.name}")
        self.path.rename(hidden)
        shutil.rmtree(hidden)
        self.let_go()


def unclosed(root: Path) -> Iterator[Path]:
    """The folders of owners that live, or whose journals are still to be recovered."""
    for path in _folders(root):
        if not path.name.endswith(_CLOSED) and not path.name.startswith(_HIDDEN):
            yield path


def closed(root: Path) -> Iterator[Closed]:
    """The journals that are kept in case the store loses what it had."""
    for path in _folders(root):
        owner, at, last = path.name.removesuffix(_CLOSED).rpartition("@")
        if path.name.endswith(_CLOSED) and at and last.isdigit():
            yield Closed(path, owner, int(last))


def sweep(root: Path) -> None:
    """Delete the folders whose makers or deleters died over it."""
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
