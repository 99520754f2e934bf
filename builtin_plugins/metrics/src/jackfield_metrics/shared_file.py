"""What one process has counted, in a file that the others of the gateway add to their own."""

import fcntl
import os
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from .families import Family, added, decode, encode

_COUNTED: Final = ("counter", "histogram", "summary")
"""Types of metrics that go on after a restart. What the others say is over with the process."""


class SharedFile:
    """One of the files of a folder, locked by this process.

    It is the first that no process has: what an earlier one left in it is added, so that counters
    never go back, even if a worker dies.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        for number in count():
            lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._lock = lock
            self._path = folder / f"{number}.json"
            break
        self._before = [one for one in _read(self._path) if one.type in _COUNTED]

    def write(self, own: list[Family]) -> None:
        """Replace what others read. Raises OSError."""
        data = encode(added([*self._before, *own]))
        new = self._path.with_suffix(".new")
        new.write_bytes(data)
        new.replace(self._path)

    def total(self, own: list[Family]) -> list[Family]:
        """What all processes have counted, this one by now and the others when they last wrote."""
        others = (path for path in sorted(self._folder.glob("*.json")) if path != self._path)
        return added([*self._before, *own, *(one for path in others for one in _read(path))])

    def close(self, own: list[Family]) -> None:
        """Leave what was counted to the next process. Raises OSError."""
        try:
            self.write([one for one in own if one.type in _COUNTED])
        finally:
            os.close(self._lock)


def _read(path: Path) -> list[Family]:
    """The families in a file; none if there is no file, or one that another release has written."""
    try:
        return decode(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return []
