"""The records of a journal: encoding them, and finding them in damaged files."""

import os
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

PROMISE: Final = 1
POST: Final = 2
CANCEL: Final = 3

MOST: Final = 64 << 10
"""Maximum bytes of a record."""

_MARK: Final = b"\xf1JF\n"
_MARK_AND_SUM: Final = struct.Struct("<4sI")
_BODY: Final = struct.Struct("<BIQQ")
_WHOLE: Final = struct.Struct("<4sIBIQQ")
FRAME: Final = _WHOLE.size
"""Bytes of a record without a payload."""

_WINDOW: Final = 1 << 20
"""Bytes read at a time; many times the longest record."""

_mark_and_sum = _MARK_AND_SUM.pack
_body = _BODY.pack


class Record(NamedTuple):
    """One record, and where it ends in its file."""

    kind: int
    number: int
    promised: int
    payload: bytes
    end: int


class Damage(NamedTuple):
    """Bytes that are no record. `torn` if no record follows them in the file."""

    start: int
    size: int
    torn: bool


def encode(seed: int, kind: int, number: int, promised: int, payload: bytes) -> bytes:
    """The bytes of a record. `seed` ties its checksum to one file."""
    body = _body(kind, len(payload), number, promised) + payload
    return _mark_and_sum(_MARK, crc32(body, seed)) + body


def scan(file: int, seed: int, start: int) -> Iterator[Record | Damage]:
    """The records and damaged places of an open file from an offset on."""
    offset = base = start
    window = os.pread(file, _WINDOW, base)
    lost: int | None = None
    while True:
        more = len(window) == _WINDOW
        if more and offset - base > _WINDOW - MOST:
            base, window = offset, os.pread(file, _WINDOW, offset)
            continue
        record = _parse(window, base, offset, seed)
        if record is not None:
            if lost is not None:
                yield Damage(lost, offset - lost, torn=False)
                lost = None
            yield record
            offset = record.end
            continue
        lost = offset if lost is None else lost
        found = window.find(_MARK, offset - base + 1)
        if found >= 0:
            offset = base + found
        elif more:
            offset = base + _WINDOW - len(_MARK) + 1
        else:
            break
    size = len(_rest(file, lost))
    if size:
        yield Damage(lost, size, torn=True)


def _parse(window: bytes, base: int, offset: int, seed: int) -> Record | None:
    start = offset - base
    if len(window) - start < FRAME:
        return None
    mark, checksum, kind, size, number, promised = _WHOLE.unpack_from(window, start)
    end = start + FRAME + size
    if mark != _MARK or end > len(window) or FRAME + size > MOST:
        return None
    if crc32(window[start + _MARK_AND_SUM.size : end], seed) != checksum:
        return None
    return Record(kind, number, promised, window[start + FRAME : end], base + end)


def _rest(file: int, start: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size - start, start).rstrip(b"\0")
