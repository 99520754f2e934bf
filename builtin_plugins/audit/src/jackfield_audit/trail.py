"""Writes the trail: several processes, synced to disk, each line linked to the previous one.

In each process one thread writes what has accumulated. A writer holds a lock on the file and first
reads what others have added.
"""

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from jackfield.admin import AuditUnavailable

from .anchors import AnchorFile
from .chain import FIRST, line_of, read_line

logger = logging.getLogger("jackfield.audit")

MOST_WAITING: Final = 10_000
"""Events that may wait for the disk; more are dropped, and counted."""

_BLOCK: Final = 65_536


Event = Mapping[str, Any]


@define(eq=False)
class Trail:
    """One file of linked lines. `every` and `seconds` say how often an anchor is written."""

    path: Path
    anchors: AnchorFile
    every: int = 1000
    seconds: float = 60.0
    dropped: int = 0
    problem: str | None = None
    anchor_problem: str | None = None
    _waiting: "list[tuple[Event, float, asyncio.Future[None] | None]]" = field(factory=list)
    _writing: "asyncio.Task[None] | None" = None
    _timer: asyncio.TimerHandle | None = None
    _pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1, "audit"))
    _handle: int = -1
    _size: int = 0
    _seq: int = 0
    _hash: str = FIRST
    _anchored: int = 0
    _anchored_at: float = field(factory=time.monotonic)

    async def open(self) -> None:
        """Open the file, and repair an end that a crash has torn. Raises OSError, ValueError."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._open)

    async def add(self, event: Event) -> None:
        """Write an event; it is on disk when this returns. Raises AuditUnavailable."""
        if len(self._waiting) >= MOST_WAITING:
            raise AuditUnavailable("The audit trail cannot be written fast enough.")
        done = asyncio.get_running_loop().create_future()
        self._enqueue(event, done)
        await done

    def note(self, event: Event) -> None:
        """Queue an event for writing. If the queue is full it is dropped, and counted."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
        else:
            self._enqueue(event, None)

    async def close(self) -> None:
        """Write pending events, and a last anchor."""
        if self._timer is not None:
            self._timer.cancel()
        while self._writing is not None:
            await self._writing
        if self._handle >= 0:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._close)
        self._pool.shutdown()

    def _enqueue(self, event: Event, done: "asyncio.Future[None] | None") -> None:
        self._waiting.append((event, time.time(), done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                events = [(event, at) for event, at, _ in batch]
                problem = None
                try:
                    await loop.run_in_executor(self._pool, self._write, events)
                except OSError as error:
                    problem = f"cannot be written: {error.strerror or error}"
                except ValueError as error:
                    problem = f"cannot be continued: its last line is damaged; {error}"
                if problem != self.problem:
                    _log(problem, "is written again")
                self.problem = problem
                self._complete(batch)
        finally:
            self._writing = None
            if self._timer is None and self._seq > self._anchored:
                self._timer = loop.call_later(self.seconds, self._anchor_soon)

    def _anchor_soon(self) -> None:
        self._timer = None
        if self._writing is None:
            self._writing = asyncio.create_task(self._anchor_now())

    async def _anchor_now(self) -> None:
        try:
            if self._seq > self._anchored:
                await asyncio.get_running_loop().run_in_executor(self._pool, self._anchor)
        finally:
            self._writing = None
            if self._waiting:
                self._writing = asyncio.create_task(self._write_waiting())

    def _complete(self, batch: "list[tuple[Event, float, asyncio.Future[None] | None]]") -> None:
        for _, _, done in batch:
            if done is None:
                self.dropped += self.problem is not None
            elif done.done():  # the waiting task was cancelled
                continue
            elif self.problem is None:
                done.set_result(None)
            else:
                done.set_exception(AuditUnavailable("The audit trail cannot be written."))

    # In the thread from here on

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._handle = os.open(self.path, flags, 0o600)
        self._locked(self._find_end)
        self._anchored = self._seq
        reached = self._reached()
        if reached < self._seq:
            if self._is_overdue(reached):
                logger.warning("the audit trail has records that no anchor vouches for yet")
            self._anchor()
        elif reached > self._seq:
            logger.error(
                "the audit trail was cut: it ends at record %d, and record %d was anchored;"
                " run `jackfield audit verify`",
                self._seq,
                reached,
            )

    def _is_overdue(self, reached: int) -> bool:
        """Whether the first record after an anchor is older than another worker's anchor may be."""
        with self.path.open("rb") as file:
            line = next(islice(file, reached, None), b"")
        try:
            return time.time() - read_line(line).time >= self.seconds
        except ValueError:
            return True

    def _reached(self) -> int:
        try:
            return self.anchors.reached()
        except OSError:
            return 0  # errors there are reported when an anchor is written

    def _close(self) -> None:
        try:
            if self._seq > self._anchored:
                self._anchor()
        finally:
            os.close(self._handle)
            self._handle = -1

    def _write(self, events: list[tuple[Event, float]]) -> None:
        self._locked(lambda: self._append(events))
        due = time.monotonic() - self._anchored_at >= self.seconds
        if self._seq - self._anchored >= self.every or due:
            self._anchor()  # what was written is valid even if this fails

    def _locked(self, work: Any) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            work()
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _append(self, events: list[tuple[Event, float]]) -> None:
        size = self._checked_size()
        if size != self._size:
            self._find_end()
            size = self._size
        seq, previous, lines = self._seq, self._hash, bytearray()
        for event, at in events:
            seq += 1
            line, previous = line_of(seq, at, previous, event)
            lines += line
        try:
            if os.write(self._handle, lines) != len(lines):
                raise OSError("the disk is full")
            os.fdatasync(self._handle)
        except OSError:
            os.ftruncate(self._handle, size)
            raise
        self._size, self._seq, self._hash = size + len(lines), seq, previous

    def _checked_size(self) -> int:
        """The size of the file. Raises OSError if it is not what this process has written."""
        own = os.fstat(self._handle)
        if not self.path.exists() or not os.path.samestat(own, self.path.stat()):
            raise OSError("the file has been moved or replaced; put it back, or restart")
        if own.st_size < self._size:
            raise OSError("the file has been cut; verify it, and restart")
        return own.st_size

    def _find_end(self) -> None:
        """Find the end of the file, and cut off half a line left by a crash."""
        size = os.fstat(self._handle).st_size
        end, last = self._last_line(size)
        if end != size:
            os.ftruncate(self._handle, end)
        if last:
            link = read_line(last)
            self._seq, self._hash = link.seq, link.hash
        else:
            self._seq, self._hash = 0, FIRST
        self._size = end

    def _last_line(self, size: int) -> tuple[int, bytes]:
        """Where the last complete line ends, and that line."""
        held, start = b"", size
        while start > 0:
            step = min(_BLOCK, start)
            start -= step
            held = os.pread(self._handle, step, start) + held
            end = held.rfind(b"\n") + 1
            begin = held.rfind(b"\n", 0, end - 1) + 1 if end else 0
            if end and (begin or start == 0):
                return start + end, held[begin:end]
        return 0, b""

    def _anchor(self) -> None:
        """Write an anchor for the current end. If it fails, the next one makes up for it."""
        problem = None
        try:
            self.anchors.add(self._seq, self._hash, time.time())
            self._anchored = self._seq
        except OSError as error:
            problem = f"cannot be anchored: {error.strerror or error}"
        if problem != self.anchor_problem:
            _log(problem, "is anchored again")
        self.anchor_problem, self._anchored_at = problem, time.monotonic()


def _log(problem: str | None, better: str) -> None:
    if problem is not None:
        logger.error("the audit trail %s", problem)
    else:
        logger.info("the audit trail %s", better)
