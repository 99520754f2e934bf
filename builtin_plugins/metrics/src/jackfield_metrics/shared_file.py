"""The metrics of one process in a file, which the gateway's other processes add to their own."""

import fcntl
import os
import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from .families import COUNTED, Family, added, decode, encode

_SUFFIX: Final = ".msgpack"


class SharedFile:
    """One of the files of a folder, locked by this process.

    It is the first that no process has locked. What an earlier process has left in it is added, so
    counters never decrease, even if a worker dies.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        for number in count():
            self._path = folder / f"{number}{_SUFFIX}"
            if (lock := _locked(self._path)) is not None:
                self._lock = lock
                break
        self._earlier = _counted(_read(self._path))
        self._writing = threading.Lock()
        self._is_closed = False

    def write(self, own: list[Family]) -> None:
        """Write the metrics for the other processes, unless it is closed. Raises OSError."""
        with self._writing:
            if not self._is_closed:
                self._replace(own)

    def _replace(self, own: list[Family]) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(encode(added([*self._earlier, *own])))
        new.replace(self._path)

    def total(self, own: list[Family]) -> list[Family]:
        """The metrics of all processes: of this one now, of the others when they last wrote."""
        paths = (path for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if path != self._path)
        return added([*self._earlier, *own, *(one for path in paths for one in _read_other(path))])

    def close(self, own: list[Family]) -> None:
        """Write what continues after a restart, and unlock the file. Raises OSError."""
        with self._writing:  # once a write that has begun is over
            self._is_closed = True
            try:
                self._replace(_counted(own))
            finally:
                os.close(self._lock)


def _locked(path: Path, how: int = fcntl.LOCK_EX) -> int | None:
    """The lock of a file, which the caller closes; None if another process has it."""
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _read_other(path: Path) -> list[Family]:
    """The families in another process's file; without gauges if that process has ended."""
    families = _read(path)
    if (lock := _locked(path, fcntl.LOCK_SH)) is None:
        return families
    os.close(lock)
    return _counted(families)


def _counted(families: Iterable[Family]) -> list[Family]:
    return [one for one in families if one.type in COUNTED]


def _read(path: Path) -> list[Family]:
    """The families in a file; none if there is no file, or one that another release has written."""
    try:
        return decode(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return []
