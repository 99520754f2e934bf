r"""What one owner has promised and posted, in files that outlive it.

`<root>/<owner>/` is an owner's folder. It has a file `lock`, flock'ed for as long as the owner
lives; segments `00000001`, `00000002`, …, and `spare-1`, …, those to come. When all is in the
store the folder becomes `<owner>@<number of the last posting>.closed`.

A segment is allocated in full before it is used, and is zero behind its last record. All numbers
are little-endian. It begins with

    magic "JFJRNL\r\n" · format u16 · length of the owner's name u16 · sequence u32
    · number of the first posting to come u64 · number of the first promise to come u64
    · sequence of the segment with the oldest promise that is still open u32
    · owner, 72 bytes · CRC-32 of all this u32

and goes on with records, none longer than 64 KiB:

    mark F1 4A 46 0A · CRC-32 u32 · kind u8 · length of the payload u32 · number u64 · promise u64
    · payload

The checksum covers what follows it and begins from the CRC-32 of "<owner>/<sequence>", so that no
other file's bytes pass for a record. The kinds are

    1 promise   number: the promise's own; payload: the entry to post if the owner dies
    2 post      number: the posting's; promise: what it replaces, or 0; payload: the entry
    3 cancel    promise: which is void

An entry is `jackfield.store.Entry` in MessagePack. Postings are numbered from 1 without gaps.
Whatever is not a record is passed over up to the next mark that begins one; where none comes, the
journal ends: its owner died while it wrote.
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
from jackfield._journal.reading import Batch, Open, Reader
from jackfield._journal.records import CANCEL, FRAME, MOST, POST, PROMISE
from jackfield._journal.segments import segments
from jackfield._journal.writer import Marks, Unsynced, Writer
from jackfield.errors import Overloaded
from jackfield.store import Entry

__all__ = ["Batch", "Journal", "JournalUnavailable"]

logger = logging.getLogger("jackfield.journal")

SEGMENT_BYTES: Final = 8 << 20

_SPARE_ROOM: Final = 1024
"""Bytes by which a posting may be longer than what was promised, and still be sure to fit."""

_FRESH: Final = 2_000
"""Postings that are kept in memory for the store; older ones are read from the files again."""

_ENOUGH: Final = 16 << 10
"""Bytes of room with which a journal is not full any more."""

_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
"""Seconds between two tries to have more room from a disk that gives none."""

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class JournalUnavailable(Overloaded):
    """There is no room on the disk to write down what would be spent."""

    code = "journal_unavailable"


class _Waiting(NamedTuple):
    promised: int
    entry: Entry | None


_encode = msgspec.msgpack.Encoder().encode


@define(eq=False)
class Journal:
    """The journal of one owner. Belongs to one thread, but for `read` and what `unsynced` gives.

    `last` is the number of the last posting, `durable` that of the last which is on the disk;
    `posted` is that of the last which the store has, as far as the journal was told.
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
    _left: dict[int, Open] = field(factory=dict, init=False)
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
        """Go on with a dead owner's journal. Raises OSError, and UnknownFormat.

        Its open promises are still open; `keep_promises` posts them.
        """
        journal = cls(folder.path.parent, folder.owner, segment_bytes)
        found = segments(folder.path, folder.owner)
        remains = journal._reader.remains(found)
        journal.last = remains.last
        journal._promise = remains.promise
        journal._left = remains.open
        journal._writer.resume(folder, found, remains.end)
        return journal

    @property
    def damaged(self) -> int:
        """How many damaged places have been met while reading."""
        return self._reader.damaged

    @property
    def open(self) -> int:
        """How many promises are neither posted nor cancelled."""
        return len(self._open) + len(self._left)

    def open_files(self) -> None:
        """Make the folder and the first room. Raises OSError, but not for want of space."""
        try:
            self._writer.grow()
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            self._refuse(error)

    def promise(self, entry: Entry) -> int:
        """Write what is to be posted if this owner dies. Raises JournalUnavailable."""
        payload = _encode(entry)
        size = FRAME + len(payload)
        if size > MOST:
            raise _too_long(size)
        kept, writer = size + _SPARE_ROOM, self._writer
        if size + kept > writer.room:
            self._need(size + kept)
        number = self._promise = self._promise + 1
        try:
            writer.append(PROMISE, number, number, payload)
        except OSError as error:
            # It may have been written all the same.
            self._open[number] = (0, writer.sequence)
            self._waiting.append(_Waiting(number, None))
            self._refuse(error)
            raise _unavailable() from error
        writer.room -= size + kept
        self._open[number] = (kept, writer.sequence)
        return number

    def post(self, entry: Entry, promised: int | None = None) -> None:
        """Write a posting, in the place of a promise or on its own.

        One that was promised is written later if it cannot be now; another raises
        JournalUnavailable.
        """
        payload = _encode(entry)
        size = FRAME + len(payload)
        if size > MOST:
            raise _too_long(size)
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
        """Make a promise void."""
        kept = self._kept(promised)
        try:
            self._write(CANCEL, 0, promised, b"")
        except JournalUnavailable:
            self._waiting.append(_Waiting(promised, None))
            return
        self._writer.room += kept - FRAME
        self._open.pop(promised, None)

    def tend(self) -> None:
        """Allocate room ahead, and write what could not be written. To be called now and then."""
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
        """Number the next posting behind one that the store has, although it is not here."""
        self.last = max(self.last, number)

    def keep_promises(self) -> int:
        """Post what a dead owner promised; how many those were. Raises JournalUnavailable."""
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
        """The postings after a number from memory, or None if they have to be `read`."""
        first = self.last - len(self._fresh) + 1
        if after + 1 < first:
            return None
        begin = after + 1 - first
        count = min(most, upto - after)
        return Batch(after + 1, tuple(islice(self._fresh, begin, begin + count)))

    def unposted(self) -> list[Entry] | None:
        """All postings that the store has not, or None if there are too many to be in memory."""
        batch = self.take(self.posted, self.last, _FRESH)
        if batch is None:
            return None
        return [*batch.entries, *(entry for _, entry in self._waiting if entry is not None)]

    def read(self, after: int, upto: int, most: int) -> Batch:
        """The postings after a number, as far as they are in a row. Waits for the disk.

        Those that are damaged or no longer kept are passed over: see `first`.
        """
        return self._reader.batch(tuple(self._writer.segments), after, upto, most)

    def confirm(self, number: int) -> None:
        """The store has all postings up to a number. It may be below what it had before."""
        self.posted = number
        for _ in range(min(len(self._fresh), number - (self.last - len(self._fresh)))):
            self._fresh.popleft()

    def unsynced(self) -> Unsynced:
        """What has to be brought to the disk; its `sync` may be called in another thread."""
        return self._writer.unsynced(self.last)

    def synced(self, unsynced: Unsynced) -> None:
        """What is on the disk now."""
        self.durable = unsynced.last
        self._writer.synced(unsynced)

    def give_up(self) -> None:
        """Go on in another file, as the disk does not keep this one.

        What was written to it is safe when the store has it.
        """
        self._writer.give_up()
        self._try_again()

    def forget(self, keep_seconds: float, keep_bytes: int) -> int:
        """Delete the oldest segments that nobody needs; how many those were.

        They are in the store, are not written to any more, and are old or too many.
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
        """Let go of the journal: for somebody to recover, or for good if it is `done`."""
        folder = self._writer.folder
        if done:
            self._writer.shrink()
        self._writer.close()
        if folder is not None and done:
            folder.close(self.last) if self.last else folder.delete()
        elif folder is not None:
            folder.let_go()

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
        "What the request would spend cannot be written down now; nothing was spent.", retry_after=1
    )


def _too_long(size: int) -> ValueError:
    return ValueError(
        f"an entry takes {size} bytes in the journal, over {MOST}: shorten its record"
    )
