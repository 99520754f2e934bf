"""The files of a journal, fully allocated before anything is written to them."""

import contextlib
import os
import struct
from pathlib import Path
from typing import Final
from zlib import crc32

from attrs import frozen

FORMAT: Final = 1

_MAGIC: Final = b"JFJRNL\r\n"
_HEAD: Final = struct.Struct("<8sHHIQQI72s")
_SUM: Final = struct.Struct("<I")
HEAD: Final = _HEAD.size + _SUM.size
"""Bytes before the first record."""


class UnknownFormat(Exception):
    """A journal written by another release in a format that this one cannot read."""


@frozen
class Segment:
    """One file and the content of its header.

    `first` is the number of the first posting that may be in it, `promise` that of the first
    promise, and `since` the segment with the oldest promise that was open when it began.
    """

    path: Path
    owner: str
    sequence: int
    first: int
    promise: int
    since: int

    @property
    def seed(self) -> int:
        """The checksum seed of its records."""
        return crc32(f"{self.owner}/{self.sequence}".encode())

    def head(self) -> bytes:
        """The header's bytes."""
        owner = self.owner.encode()
        head = _HEAD.pack(
            _MAGIC, FORMAT, len(owner), self.sequence, self.first, self.promise, self.since, owner
        )
        return head + _SUM.pack(crc32(head))


def allocate(path: Path, size: int) -> int:
    """Create a file of zeros that cannot run out of space when written; return its descriptor.

    No file is left if it fails.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _fill(file, size)
    except OSError:
        os.close(file)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        raise
    return file


def _fill(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    zeros = bytes(1 << 16)
    for offset in range(0, size, len(zeros)):
        os.pwrite(file, zeros[: size - offset], offset)


def file_name(sequence: int) -> str:
    """The name of a segment's file."""
    return f"{sequence:08d}"


def segments(folder: Path, owner: str) -> list[Segment]:
    """The segments in an owner's folder, in order. Raises UnknownFormat.

    A segment with a damaged header is assumed to follow the one before it.
    """
    found: list[Segment] = []
    for path in sorted(path for path in folder.iterdir() if path.name.isdigit()):
        with path.open("rb") as file:
            head = file.read(HEAD)
        segment = _read_head(path, head)
        if segment is None or segment.owner != owner:
            before = found[-1] if found else None
            first, promise = (before.first, before.promise) if before else (1, 1)
            segment = Segment(path, owner, int(path.name), first, promise, since=1)
        found.append(segment)
    return found


def _read_head(path: Path, head: bytes) -> Segment | None:
    if len(head) < HEAD or crc32(head[: _HEAD.size]) != _SUM.unpack_from(head, _HEAD.size)[0]:
        return None
    magic, version, size, sequence, first, promise, since, owner = _HEAD.unpack_from(head)
    if magic != _MAGIC:
        return None
    if version != FORMAT:
        raise UnknownFormat(f"{path} has the journal format {version}, known is {FORMAT}")
    return Segment(path, owner[:size].decode(), sequence, first, promise, since)
