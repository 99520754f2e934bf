r"""A durable journal of what one owner has promised and posted.

`<root>/<owner>/` is an owner's folder. It has a file `lock`, flocked while the owner lives;
segments `00000001`, `00000002`, …; and `spare-1`, …, segments allocated ahead. When the store
has everything, the folder is renamed to `<owner>@<number of the last posting>.closed`.

A segment is fully allocated before it is used, and is zero after its last record. All numbers
are little-endian. It begins with

    magic "JFJRNL\r\n" · format u16 · length of the owner's name u16 · sequence u32
    · number of the first posting to come u64 · number of the first promise to come u64
    · sequence of the segment with the oldest promise that is still open u32
    · owner, 72 bytes · CRC-32 of all this u32

followed by records, each at most 64 KiB:

    mark F1 4A 46 0A · CRC-32 u32 · kind u8 · length of the payload u32 · number u64 · promise u64
    · payload

The checksum covers what follows it and is seeded with the CRC-32 of "<owner>/<sequence>", so that
bytes of another file never pass as a record. The kinds are

    1 promise   number: the promise's own; payload: the entry to post if the owner dies
    2 post      number: the posting's; promise: what it replaces, or 0; payload: the entry
        3 cancel    promise: the one cancelled

An entry is `jackfield.store.Entry` in MessagePack. Postings are numbered from 1 without gaps.
Damaged bytes are skipped up to the next mark that begins a record. If there is none, the journal
ends there: its owner died while writing.
"""

import errno
import logging
import time
from collections import deque
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
from attrs import define, field

from jackfield._journal.folder import Folder
from jackfield._journal.reading import Batch, OpenPromise, Reader
from jackfield._journal.records import CANCEL, FRAME, MOST, POST, PROMISE
from jackfield._journal.segments import segments
from jackfield._journal.writer import Marks, Unsynced, Writer
from jackfield.errors import Overloaded
from jackfield.store import Entry

__all__ = ["Batch", "Journal", "JournalUnavailable"]

logger = logging.getLogger("jackfield.journal")

SEGMENT_BYTES: Final = 8 << 20

_SPARE_ROOM: Final = 1024
"""Bytes by which a posting may exceed its promise and still be guaranteed to fit."""

_FRESH: Final = 2_000
"""Postings kept in memory until the store has them; older ones are read from the files."""

_ENOUGH: Final = 16 << 10
"""Bytes of room above which a journal is no longer full."""

_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
"""Seconds between attempts to allocate space on a full disk."""

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class JournalUnavailable(Overloaded):
    """The disk has no room to record what would be spent."""

    code = "journal_unavailable"


class _Waiting(NamedTuple):
    promised: int
    entry: Entry | None


_encode = msgspec.msgpack.Encoder().encode


@define(eq=False)
class Journal:
    """The journal of one owner. For one thread, except `read` and the result of `unsynced`.

    `last` is the number of the last posting, `durable` of the last one on disk, `posted` of the
    last one that the store is known to have.
    """

    root: Path
    owner: str
    segment_bytes: int = SEGMENT_BYTES
    last: int = field(default=0, init=False)
    durable: int = field(default=0, init=False)
    posted: int = field(default=0, init=False)
    full: bool = field(default=False, init=False)
    _promise: int = field(default=0, init=False)
    _open: dict[int, tuple[int, int]] = field(factory=dict, init=False)
    _left: dict[int, OpenPromise] = field(factory=dict, init=False)
    _waiting: deque[_Waiting] = field(factory=deque, init=False)
    _fresh: deque[Entry] = field(factory=lambda: deque(maxlen=_FRESH), init=False)
    _writer: Writer = field(init=False)
    _reader: Reader = field(factory=Reader, init=False)
    _grow_at: float = field(default=0.0, init=False)
    _pause: float = field(default=_PAUSE, init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(self.root, self.owner, self.segment_bytes, self._marks)

    @classmethod
    def reopen(cls, folder: Folder, segment_bytes: int = SEGMENT_BYTES) -> Self:
        """Continue a dead owner's journal. Raises OSError and UnknownFormat.

        Its open promises stay open; `keep_promises` posts them.
        """
        journal = cls(folder.path.parent, folder.owner, segment_bytes)
        found = segments(folder.path, folder.owner)
        unfinished = journal._reader.unfinished(found)
        journal.last = unfinished.last
        journal._promise = unfinished.promise
        journal._left = unfinished.open
        journal._writer.resume(folder, found, unfinished.end)
        return journal

    @property
    def damaged(self) -> int:
        """Number of damaged places found while reading."""
        return self._reader.damaged

    @property
    def open(self) -> int:
        """Number of promises neither posted nor cancelled."""
        return len(self._open) + len(self._left)

    def open_files(self) -> None:
        """Create the folder and the first segment. Raises OSError, except for a full disk."""
        try:
            self._writer.grow()
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            self._refuse(error)

    def promise(self, entry: Entry) -> int:
        """Write what is to be posted if this owner dies. Raises JournalUnavailable."""
        payload = _encoded(entry)
        size = FRAME + len(payload)
        kept, writer = size + _SPARE_ROOM, self._writer
        if size + kept > writer.room:
            self._need(size + kept)
        number = self._promise = self._promise + 1
        try:
            writer.append(PROMISE, number, number, payload)
        except OSError as error:
            # It may have been written nevertheless.
            self._open[number] = (0, writer.sequence)
            self._waiting.append(_Waiting(number, None))
            self._refuse(error)
            raise _unavailable() from error
        writer.room -= size + kept
        self._open[number] = (kept, writer.sequence)
        return number

    def post(self, entry: Entry, promised: int | None = None) -> None:
        """Write a posting, on its own or in place of a promise.

        If it cannot be written now, a promised one is written later; without a promise, raises
        JournalUnavailable.
        """
        payload = _encoded(entry)
        size = FRAME + len(payload)
        kept = 0 if promised is None else self._kept(promised)
        try:
            if size - kept > self._writer.room:
                self._need(size - kept)
            self._write(POST, self.last + 1, promised or 0, payload)
        except JournalUnavailable:
            if promised is None:
                raise
            self._waiting.append(_Waiting(promised, entry))
            return
        self.last += 1
        self._writer.room += kept - size
        self._fresh.append(entry)
        if promised is not None:
            del self._open[promised]

    def cancel(self, promised: int) -> None:
        """Cancel a promise."""
        kept = self._kept(promised)
        try:
            self._write(CANCEL, 0, promised, b"")
        except JournalUnavailable:
            self._waiting.append(_Waiting(promised, None))
            return
        self._writer.room += kept - FRAME
        self._open.pop(promised, None)

    def tend(self) -> None:
        """Allocate space ahead, and retry failed writes. To be called regularly."""
        if self.full or not self._writer.spares:
            self._grow()
        if self.full and self._writer.room > _ENOUGH:
            self._try_again()
        for _ in range(len(self._waiting)):
            promised, entry = self._waiting.popleft()
            if entry is None:
                self.cancel(promised)
            else:
                self.post(entry, promised)

    def skip_to(self, number: int) -> None:
        """Number the next posting after one that the store has but the journal lacks."""
        self.last = max(self.last, number)

    def keep_promises(self) -> int:
        """Post a dead owner's promises and return their number. Raises JournalUnavailable."""
        left = self._left
        for number, promise in sorted(left.items()):
            size = FRAME + len(promise.payload)
            if size > self._writer.room:
                self._need(size)
            self._write(POST, self.last + 1, number, promise.payload)
            self.last += 1
            self._writer.room -= size
        self._left = {}
        return len(left)

    def take(self, after: int, upto: int, most: int) -> Batch | None:
        """The postings after a number from memory, or None if they must be `read`."""
        first = self.last - len(self._fresh) + 1
        if after + 1 < first:
            return None
        begin = after + 1 - first
        count = min(most, upto - after)
        return Batch(after + 1, tuple(islice(self._fresh, begin, begin + count)))

    def unposted(self) -> list[Entry] | None:
        """All postings that the store does not have, or None if some are not in memory."""
        batch = self.take(self.posted, self.last, _FRESH)
        if batch is None:
            return None
        return [*batch.entries, *(entry for _, entry in self._waiting if entry is not None)]

    def read(self, after: int, upto: int, most: int) -> Batch:
        """The consecutive postings after a number. Blocks on disk reads.

        Damaged or deleted postings are skipped: see `first` of the result.
        """
        return self._reader.batch(tuple(self._writer.segments), after, upto, most)

    def confirm(self, number: int) -> None:
        """Record that the store has all postings up to a number, which may be lower than before."""
        self.posted = number
        for _ in range(min(len(self._fresh), number - (self.last - len(self._fresh)))):
            self._fresh.popleft()

    def unsynced(self) -> Unsynced:
        """What has to be synced to disk; its `sync` may be called in another thread."""
        return self._writer.unsynced(self.last)

    def synced(self, unsynced: Unsynced) -> None:
        """Record what is on disk now."""
        self.durable = unsynced.last
        self._writer.synced(unsynced)

    def give_up(self) -> None:
        """Continue in another file, as this one cannot be synced.

        What was written to it is safe once the store has it.
        """
        self._writer.give_up()
        self._try_again()

    def forget(self, keep_seconds: float, keep_bytes: int) -> int:
        """Delete the oldest segments that are not needed; return their number.

        They are in the store, are no longer written to, and are old or exceed `keep_bytes`.
        """
        before = time.time() - keep_seconds
        most = max(keep_bytes // self.segment_bytes, 1)
        count = 0
        while self._deletable():
            oldest = self._writer.segments[0]
            if len(self._writer.segments) <= most and oldest.path.stat().st_mtime > before:
                break
            oldest.path.unlink()
            del self._writer.segments[0]
            count += 1
        return count

    def close(self, *, done: bool = False) -> None:
        """Release the journal: for recovery or, with `done`, as closed."""
        folder = self._writer.folder
        if done:
            self._writer.shrink()
        self._writer.close()
        if folder is not None and done:
            folder.close(self.last) if self.last else folder.delete()
        elif folder is not None:
            folder.release()

    def _marks(self) -> Marks:
        oldest = next(iter(self._open.values()), None)
        since = oldest[1] if oldest else None
        return Marks(self.last + 1, self._promise + 1, since)

    def _kept(self, promised: int) -> int:
        if promised not in self._open:
            raise ValueError(f"the promise {promised} is not open: it was posted or cancelled")
        return self._open[promised][0]

    def _write(self, kind: int, number: int, promised: int, payload: bytes) -> None:
        try:
            self._writer.append(kind, number, promised, payload)
        except OSError as error:
            self._refuse(error)
            raise _unavailable() from error

    def _need(self, room: int) -> None:
        self._grow()
        if room > self._writer.room:
            self.full = True
            raise _unavailable()

    def _grow(self) -> None:
        if time.monotonic() < self._grow_at:
            return
        try:
            self._allocate()
        except OSError as error:
            # A disk without space matters once what was allocated ahead is nearly used up.
            if error.errno not in _NO_SPACE or self._writer.room <= _ENOUGH:
                self._refuse(error)

    def _allocate(self) -> None:
        try:
            self._writer.grow()
        except OSError as error:
            if error.errno not in _NO_SPACE or not self.forget(0, 0):
                raise
            self._writer.grow()

    def _refuse(self, error: OSError) -> None:
        now = time.monotonic()
        if now >= self._grow_at:
            self._grow_at = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if not self.full:
            logger.error("the journal in %s cannot be written: %s", self.root, error)
        self.full = True

    def _try_again(self) -> None:
        try:
            self._writer.append(CANCEL, 0, 0, b"")
        except OSError as error:
            self._refuse(error)
            return
        self._writer.room -= FRAME
        if self.full:
            logger.info("the journal in %s can be written again", self.root)
        self.full = False
        self._pause = _PAUSE

    def _deletable(self) -> bool:
        kept = self._writer.segments
        if len(kept) < 2 or kept[1].first - 1 > self.posted:
            return False
        oldest = next(iter(self._open.values()), None)
        return oldest is None or oldest[1] > kept[0].sequence


def _unavailable() -> JournalUnavailable:
    return JournalUnavailable(
        "Spending cannot be recorded right now, so the request was not sent.", retry_after=1
    )


def _encoded(entry: Entry) -> bytes:
    payload = _encode(entry)
    if (size := FRAME + len(payload)) > MOST:
        raise ValueError(
            f"an entry takes {size} bytes in the journal, over {MOST}: shorten its record"
        )
    return payload
