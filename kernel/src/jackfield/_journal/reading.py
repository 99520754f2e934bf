"""Reading a journal: its postings from a number on, and what a dead owner left open."""

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from attrs import define, field

from jackfield._journal.records import CANCEL, POST, PROMISE, Damage, Record, scan
from jackfield._journal.segments import HEAD, Segment
from jackfield.store import Entry

logger = logging.getLogger("jackfield.journal")


_BATCH_BYTES: Final = 1 << 20

_decode = msgspec.msgpack.Decoder(Entry).decode


class Batch(NamedTuple):
    """Consecutive postings, and the number of the first."""

    first: int
    entries: Sequence[Entry]

    @property
    def last(self) -> int:
        """The number of the last posting."""
        return self.first + len(self.entries) - 1


class _Cursor(NamedTuple):
    """Where to look for the posting that follows `number`."""

    number: int
    sequence: int
    offset: int


class OpenPromise(NamedTuple):
    """A promise that was neither posted nor cancelled: its payload and its position."""

    payload: bytes
    sequence: int


@define(eq=False)
class UnfinishedJournal:
    """What a dead owner left: last numbers, open promises and the end of its last segment."""

    last: int = 0
    promise: int = 0
    end: int = HEAD
    open: dict[int, OpenPromise] = field(factory=dict)

    def take(self, sequence: int, record: Record) -> None:
        """Add the next record."""
        if record.kind == PROMISE:
            self.promise = max(self.promise, record.number)
            self.open[record.number] = OpenPromise(record.payload, sequence)
        elif record.kind == POST:
            self.last = max(self.last, record.number)
            self.open.pop(record.promised, None)
        elif record.kind == CANCEL:
            self.open.pop(record.promised, None)


@define(eq=False)
class Reader:
    """Reads the records of a journal. `damaged` counts the unreadable places.

    Each such place is logged once.
    """

    damaged: int = 0
    _cursor: _Cursor | None = None
    _reported: set[tuple[int, int]] = field(factory=set)

    def records(
        self, segments: Sequence[Segment], start: int = HEAD
    ) -> Iterator[tuple[Segment, Record]]:
        """The records of segments; those of the first segment from an offset on."""
        for segment in segments:
            try:
                file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                for item in scan(file, segment.seed, start):
                    if isinstance(item, Record):
                        yield segment, item
                    else:
                        self._report(segment, item, last=segment is segments[-1])
            finally:
                os.close(file)
            start = HEAD

    def batch(self, segments: Sequence[Segment], after: int, upto: int, most: int) -> Batch:
        """The postings after a number, as far as they are readable and consecutive."""
        entries: list[Entry] = []
        first = last = size = 0
        parts, start = self._find(segments, after)
        for segment, record in self.records(parts, start):
            if record.kind != POST or record.number <= max(after, last):
                continue
            if record.number > upto or (entries and record.number != last + 1):
                break
            first = first or record.number
            last = record.number
            entries.append(_decode(record.payload))
            size += len(record.payload)
            self._cursor = _Cursor(last, segment.sequence, record.end)
            if last == upto or len(entries) == most or size > _BATCH_BYTES:
                break
        return Batch(first, entries)

    def unfinished(self, segments: Sequence[Segment]) -> UnfinishedJournal:
        """What is left to do for a dead owner."""
        unfinished = UnfinishedJournal()
        if not segments:
            return unfinished
        since = segments[-1].since
        needed = [segment for segment in segments if segment.sequence >= since]
        unfinished.last = needed[0].first - 1
        unfinished.promise = needed[0].promise - 1
        for segment, record in self.records(needed):
            unfinished.take(segment.sequence, record)
            if segment is needed[-1]:
                unfinished.end = record.end
        return unfinished

    def _find(self, segments: Sequence[Segment], after: int) -> tuple[Sequence[Segment], int]:
        cursor = self._cursor
        if cursor is not None and cursor.number == after:
            rest = [segment for segment in segments if segment.sequence >= cursor.sequence]
            if rest and rest[0].sequence == cursor.sequence:
                return rest, cursor.offset
        earlier = [segment.sequence for segment in segments if segment.first <= after + 1]
        since = max(earlier, default=0)
        return [segment for segment in segments if segment.sequence >= since], HEAD

    def _report(self, segment: Segment, damage: Damage, *, last: bool) -> None:
        if last and damage.torn:
            logger.info(
                "journal %s ends with %d bytes of an unfinished record",
                segment.path,
                damage.size,
            )
            return
        if (segment.sequence, damage.start) in self._reported:
            return
        self._reported.add((segment.sequence, damage.start))
        self.damaged += 1
        logger.error(
            "%s is damaged: %d bytes at offset %d cannot be read; the rest can",
            segment.path,
            damage.size,
            damage.start,
        )
