"""Jobs on the file, run in a thread; all waiting jobs share a transaction."""

import asyncio
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

from attrs import define, field

from jackfield.store import StoreUnavailable

from . import clock
from .store_file import StoreFile

T = TypeVar("T")

MOST_WAITING: Final = 10_000
MOST_TOGETHER: Final = 500
LOCK_PATIENCE: Final = 2.0
"""Seconds for which another process may lock the file."""


_GRANT_ACCESS: Final = "; let this user write to it and to its directory"
ADVICE: Final = {
    sqlite3.SQLITE_BUSY: " by another program; end that one",
    sqlite3.SQLITE_CANTOPEN: _GRANT_ACCESS,
    sqlite3.SQLITE_CORRUPT: "; put a backup in its place",
    sqlite3.SQLITE_READONLY: _GRANT_ACCESS,
}


class Transaction(NamedTuple):
    """What a job works with; `now` is the store's time."""

    db: sqlite3.Connection
    now: float


Work = Callable[[Transaction], T]


class Job(NamedTuple):
    """A unit of work, and the future of its caller."""

    work: Work[Any]
    future: asyncio.Future[Any]


class Done(NamedTuple):
    """The result of a job."""

    result: Any = None
    error: Exception | None = None


@define(eq=False)
class Transactions:
    """One connection and its thread, so that the event loop never waits for the file.

    Jobs that write share a commit; each is applied completely or not at all.
    """

    file: StoreFile
    writes: bool
    failure: str | None = None
    _db: sqlite3.Connection | None = None
    _thread: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1, "sqlite_store"))
    _waiting: deque[Job] = field(factory=deque)
    _busy: bool = False
    _closed: bool = False

    async def run(self, work: Work[T], deadline: float) -> T:
        """The result of `work`. After the deadline it is unknown whether it was done."""
        loop = asyncio.get_running_loop()
        if self._closed or len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailable("The store is closed." if self._closed else "It is overloaded.")
        job = Job(work, loop.create_future())
        self._waiting.append(job)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._run_waiting, loop)
        try:
            async with asyncio.timeout(deadline):
                result: T = await job.future
        except TimeoutError:
            self._report_failure(
                self.failure or f"{self.file.path} did not answer within {deadline} s"
            )
            raise StoreUnavailable("The store did not answer in time.") from None
        return result

    async def close(self) -> None:
        """Finish jobs in progress, and close the connection. Waiting jobs are refused."""
        self._closed = True
        for job in self._waiting:
            if not job.future.done():
                job.future.set_exception(StoreUnavailable("The store is closed."))
        self._waiting.clear()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _run_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs: list[Job] = []
        while self._waiting and len(jobs) < MOST_TOGETHER:
            job = self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
        self._busy = bool(jobs)
        if jobs:
            done = loop.run_in_executor(self._thread, self._run_jobs, jobs)
            done.add_done_callback(lambda done: self._deliver(loop, jobs, done.result()))

    def _deliver(self, loop: asyncio.AbstractEventLoop, jobs: list[Job], done: list[Done]) -> None:
        for job, (result, error) in zip(jobs, done, strict=True):
            if job.future.done():
                continue
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)
        self._run_waiting(loop)

    def _run_jobs(self, jobs: list[Job]) -> list[Done]:
        try:
            if self._db is None:
                self._db = self.file.open()
            else:
                self.file.check()
            done = self._transact(self._db, jobs)
        except sqlite3.Error as error:
            self._report_failure(f"{self.file.path}: {error}{_advice(error)}")
            self._disconnect()
            return [Done(error=_lost(error)) for _ in jobs]
        except Exception as error:  # noqa: BLE001 - raised in the waiting caller
            self._report_failure(str(error))
            self._disconnect()
            return [Done(error=error)] * len(jobs)
        if self.failure is not None:
            self.failure = None
            self.file.report_recovery(self)
        return done

    def _transact(self, db: sqlite3.Connection, jobs: list[Job]) -> list[Done]:
        if not self.writes:
            db.execute("BEGIN")
            now = clock.now(db)
        else:
            _begin(db)
            now = clock.lead(db)
        at = Transaction(db, now)
        done = [_attempt(at, job) for job in jobs]
        db.execute("COMMIT")
        return done

    def _report_failure(self, failure: str) -> None:
        self.failure = failure
        self.file.report(failure, self)

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _advice(error: sqlite3.Error) -> str:
    # The lower byte is the kind of error, the rest its details.
    return ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")


def _lost(error: sqlite3.Error) -> StoreUnavailable:
    lost = StoreUnavailable("The store cannot be used at present.")
    lost.__cause__ = error
    return lost


def _begin(db: sqlite3.Connection) -> None:
    # SQLite's own busy handler sleeps up to 100 ms at a time; a commit takes 1 ms.
    db.execute("PRAGMA busy_timeout = 0")
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(random.uniform(0.0001, 0.001))  # noqa: S311 - no secret


def _attempt(at: Transaction, job: Job) -> Done:
    if job.future.cancelled():
        return Done()
    at.db.execute("SAVEPOINT job")
    try:
        done = Done(job.work(at))
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise
        at.db.execute("ROLLBACK TO job")
        done = Done(error=error)
    at.db.execute("RELEASE job")
    return done
