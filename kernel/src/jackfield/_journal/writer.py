"""Writing to the segments of one folder, into space allocated beforehand."""

import errno
import mmap
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from attrs import define, field, frozen

from jackfield._journal.folder import Folder
from jackfield._journal.mapping import map_file
from jackfield._journal.records import MOST, encode
from jackfield._journal.segments import HEAD, Segment, allocate, file_name

_SPARE: Final = "spare-"
_UNFINISHED: Final = "unfinished"

_sync = getattr(os, "fdatasync", os.fsync)


class Marks(NamedTuple):
    """The header fields that place a segment in the journal."""

    first: int
    promise: int
    since: int | None


@frozen
class Unsynced:
    """Data that was written but may not be on disk yet. `last` is its last posting."""

    files: tuple[int, ...]
    done: tuple[int, ...]
    last: int

    def sync(self) -> None:
        """Wait for the disk. Raises OSError."""
        for file in (*self.done, *self.files):
            _sync(file)


@define(eq=False)
class Writer:
    """The end of a journal. `room` is how many bytes of records are guaranteed to fit.

    A record may begin before the last 64 KiB of a segment and is never longer, so no record is
    split, and what fits in `room` fits regardless of the sizes of the records.
    """

    root: Path
    owner: str
    segment_bytes: int
    _marks: Callable[[], Marks]
    folder: Folder | None = None
    segments: list[Segment] = field(factory=list)
    room: int = 0
    sequence: int = 0
    _file: int = -1
    _map: mmap.mmap | None = None
    _seed: int = 0
    _offset: int = 0
    _limit: int = 0
    _spares: deque[tuple[Path, int]] = field(factory=deque)
    _done: list[int] = field(factory=list)
    _named: int = 0
    _given_up: bool = False

    @property
    def spares(self) -> int:
        """Number of segments allocated ahead."""
        return len(self._spares)

    def append(self, kind: int, number: int, promised: int, payload: bytes) -> None:
        """Write one record. After an OSError, the next record goes into another segment."""
        try:
            if self._offset >= self._limit:
                self._switch_segment()
            record = encode(self._seed, kind, number, promised, payload)
            size = len(record)
            if self._map is not None:
                self._map[self._offset : self._offset + size] = record
            elif os.pwrite(self._file, record, self._offset) != size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self.abandon()
            raise
        self._offset += size

    def grow(self) -> None:
        """Allocate one more segment ahead. Raises OSError."""
        if self.folder is None:
            self.folder = Folder.make(self.root, self.owner)
        unfinished = self.folder.path / _UNFINISHED
        unfinished.unlink(missing_ok=True)
        file = allocate(unfinished, self.segment_bytes)
        self._named += 1
        path = unfinished.rename(self.folder.path / f"{_SPARE}{self._named}")
        self._add_spare(path, file)

    def resume(self, folder: Folder, found: list[Segment], end: int) -> None:
        """Continue where a dead owner stopped: in its last segment, from `end` on."""
        self.folder = folder
        self.segments = found
        for path in sorted(folder.path.glob(f"{_SPARE}*")):
            self._add_spare(path, os.open(path, os.O_RDWR | os.O_CLOEXEC))
            self._named = max(self._named, int(path.name.removeprefix(_SPARE)))
        if found:
            self._file = os.open(found[-1].path, os.O_RDWR | os.O_CLOEXEC)
            size = os.fstat(self._file).st_size
            torn = len(os.pread(self._file, size - end, end).rstrip(b"\0"))
            os.pwrite(self._file, bytes(torn), end)
            self._begin(found[-1], end, size)
            self.room += self._limit - end

    def abandon(self) -> None:
        """Stop writing to this segment."""
        self.room -= max(self._limit - self._offset, 0)
        self._limit = self._offset

    def give_up(self) -> None:
        """Stop syncing the current files, and write to another one."""
        self.abandon()
        self.synced(Unsynced((), tuple(self._done), 0))
        self._given_up = self._file >= 0

    def unsynced(self, last: int) -> Unsynced:
        """What has to be synced now."""
        return Unsynced((self._file,) if self._file >= 0 else (), tuple(self._done), last)

    def synced(self, unsynced: Unsynced) -> None:
        """Close the files that are full and synced."""
        for file in unsynced.done:
            self._done.remove(file)
            os.close(file)

    def shrink(self) -> None:
        """Free the allocated space that is not needed any more."""
        self._unmap()
        if self._file >= 0:
            os.ftruncate(self._file, self._offset)
        for path, _ in self._spares:
            path.unlink()

    def close(self) -> None:
        """Close all files except the folder's lock."""
        self._unmap()
        for file in (self._file, *self._done, *(file for _, file in self._spares)):
            if file >= 0:
                os.close(file)
        self._file = -1
        self._done.clear()
        self._spares.clear()

    def _add_spare(self, path: Path, file: int) -> None:
        self._spares.append((path, file))
        self.room += max(os.fstat(file).st_size - HEAD - MOST, 0)

    def _switch_segment(self) -> None:
        if not self._spares or self.folder is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        spare, file = self._spares[0]
        sequence = self.sequence + 1
        first, promise, since = self._marks()
        path = self.folder.path / file_name(sequence)
        segment = Segment(path, self.owner, sequence, first, promise, since or sequence)
        size = os.fstat(file).st_size
        os.pwrite(file, segment.head(), 0)
        spare.rename(path)
        self._spares.popleft()
        if self._given_up:
            os.close(self._file)
        elif self._file >= 0:
            self._done.append(self._file)
        self._given_up = False
        self._done.append(os.open(self.folder.path, os.O_RDONLY | os.O_CLOEXEC))
        self.room -= self._limit - self._offset
        self._file = file
        self.segments.append(segment)
        self._begin(segment, HEAD, size)

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def _begin(self, segment: Segment, offset: int, size: int) -> None:
        self.sequence = segment.sequence
        self._unmap()
        self._map = map_file(self._file, segment.path)
        self._seed = segment.seed
        self._offset = offset
        self._limit = size - MOST
