"""A crash-safe spending ledger: promises before a call, postings after it, and held amounts."""

import asyncio
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from jackfield._ledger.clock import StoreClock
from jackfield._ledger.holdings import Holdings
from jackfield._ledger.outage import Outage
from jackfield._ledger.pledge import Pledge, Promise
from jackfield._ledger.poster import Poster
from jackfield._ledger.recovery import Recovery
from jackfield._ledger.syncing import Syncing
from jackfield.errors import ConfigError
from jackfield.exchange import Exchange
from jackfield.journal import SEGMENT_BYTES, Journal, JournalUnavailable
from jackfield.store import Account, Acquired, Claim, Debit, Entry, Store, StoreUnavailable

__all__ = ["JournalUnavailable", "Ledger", "LedgerOptions", "Promise"]

logger = logging.getLogger("jackfield.ledger")

_REVIEW: Final = 60.0
"""Seconds between reviews of closed journals and deletions of old data."""

_STOP: Final = 3.0
"""Seconds that `stop` waits for the store to accept the last postings."""

_DEBITS: Final = 500
"""Maximum number of debits in one entry."""


@frozen
class LedgerOptions:
    """How a ledger keeps its journal and its lease. Times are in seconds, sizes in bytes.

    Postings that the store has stay in the journal for another `keep_seconds`, in case the store
    loses them, but take no more than `keep_bytes` per owner.
    """

    lease: float = 15.0
    renew_every: float = 3.0
    post_every: float = 0.1
    sync_every: float = 0.02
    recover_every: float = 1.0
    patience: float = 1.0
    segment_bytes: int = SEGMENT_BYTES
    keep_seconds: float = 86_400.0
    keep_bytes: int = 1 << 30


def _new_owner() -> str:
    return f"{secrets.token_hex(4)}-{os.getpid()}-{secrets.token_hex(8)}"


@define(eq=False)
class Ledger:
    """One owner: its journal in a shared folder, and what it posts to the store.

    All methods that are not async must be called in the event loop's thread, and block for no more
    than a write into the page cache. `promised` counts promises; see also the other counters.
    """

    _store: Store
    _root: Path
    _options: LedgerOptions = field(factory=LedgerOptions)
    owner: str = field(factory=_new_owner, init=False)
    promised: int = field(default=0, init=False)
    now: Callable[[], float] = field(init=False)
    """The store's clock, in seconds since 1970. Does no I/O and never goes backwards."""

    _clock: StoreClock = field(factory=StoreClock, init=False)
    _outage: Outage = field(factory=Outage, init=False)
    _debits: Counter[tuple[Account, int]] = field(factory=Counter, init=False)
    _partly_settled: set[Pledge] = field(factory=set, init=False)
    _journal: Journal = field(init=False)
    _syncing: Syncing = field(init=False)
    _poster: Poster = field(init=False)
    _holdings: Holdings = field(init=False)
    _recovery: Recovery = field(init=False)
    _turning: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _renew_at: float = field(default=0.0, init=False)
    _review_at: float = field(default=0.0, init=False)
    _tasks: list[asyncio.Task[None]] = field(factory=list, init=False)
    _problems: dict[str, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        options, store = self._options, self._store
        self.now = self._clock.now
        self._journal = Journal(self._root, self.owner, options.segment_bytes)
        self._syncing = Syncing(self._journal)
        self._poster = Poster(store, self._journal)
        self._recovery = Recovery(store, self._root, options.segment_bytes)
        self._holdings = Holdings(
            store, self.owner, options.lease, options.patience, self._outage, self._clock.learn
        )

    @property
    def posted(self) -> int:
        """Number of postings that the store has accepted."""
        return self._poster.posted

    @property
    def recovered(self) -> int:
        """Number of dead owners' journals that were posted to the store."""
        return self._recovery.recovered

    @property
    def presumed(self) -> int:
        """Number of promises of dead owners that were posted as promised."""
        return self._recovery.presumed

    @property
    def unposted(self) -> int:
        """Number of postings that the store has not accepted yet."""
        return self._journal.last - self._journal.posted

    @property
    def away(self) -> bool:
        """Whether the store is currently unavailable."""
        return self._outage.open

    def pledge(self, exchange: Exchange, entry: Entry) -> Promise:
        """Promise an entry, to be posted if this process dies during the next provider call.

        It is written just before the call, in one record with the pledges of other plugins for that
        call. Their results are posted as one entry too: either all of them are recorded or none. If
        the pledge cannot be written, the call is refused with JournalUnavailable.
        """
        pledge: Pledge | None = exchange.state.get(self)
        if pledge is None or pledge.is_written or (entry.record and pledge.has_record):
            pledge = exchange.state[self] = Pledge(self)
            exchange.before_call(pledge.write)
        pledge.join(entry)
        return Promise(pledge, self._partly_settled)

    def promise(self, entry: Entry) -> int:
        """Write an entry to be posted if this process dies; return its number.

        The number is for `post` or `cancel`. Raises JournalUnavailable if the disk has no room to
        post the entry later.
        """
        number = self._journal.promise(entry)
        self.promised += 1
        self._syncing.request()
        return number

    def post(self, entry: Entry, *, promised: int | None = None) -> None:
        """Write what was spent; it replaces what was promised.

        Without a promise, raises JournalUnavailable when the disk has no room for it.
        """
        self._journal.post(entry, promised)
        self._syncing.request()

    def cancel(self, promised: int) -> None:
        """Cancel a promise: nothing was spent."""
        self._journal.cancel(promised)

    def debit(self, debit: Debit) -> None:
        """Spend without a record; debits of one account and bucket are posted as their sum."""
        self._debits[debit[0], debit[1]] += debit[2]

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Hold amounts in the store, on all accounts or on none.

        Raises StoreUnavailable, immediately if the store failed to answer a moment ago. If the
        caller is cancelled, what it is granted is given back. The caller must include the granted
        amounts in what it states (see `on_restate`) before its next await.
        """
        return await self._holdings.acquire(claims)

    def give_back(self, account: Account, amount: int) -> None:
        """Reduce what is held in the store, with the next posting."""
        self._holdings.give_back(account, amount)

    def on_restate(self, held: Callable[[], Mapping[Account, int]]) -> None:
        """Register a callback that returns what is available or reserved.

        It is called when the held amounts are restated to the store. It leaves out what has been
        posted or debited but is not yet in the store: the ledger adds that itself.
        """
        self._holdings.on_restate(held)

    async def flush(self) -> None:
        """Post everything written so far and give back. Raises StoreUnavailable."""
        try:
            async with self._turning:
                await self._post_all()
        except StoreUnavailable:
            self._store_failed()
            raise

    async def start(self) -> None:
        """Open the journal and start posting and recovery. Raises ConfigError."""
        try:
            self._journal.open_files()
        except OSError as error:
            raise ConfigError(
                [f"server.state_dir: cannot write a journal in {self._root}: {error}"]
            ) from None
        requested_at = time.monotonic()
        try:
            self._clock.learn(await self._store.time(), requested_at)
        except StoreUnavailable:
            self._outage.failed()
        loops = (self._sync, self._options.sync_every), (self._turn, self._options.post_every)
        self._tasks = [asyncio.create_task(self._repeat(*loop)) for loop in loops]
        recovering = self._repeat(self._recover, self._options.recover_every)
        self._tasks.append(asyncio.create_task(recovering))

    async def stop(self) -> None:
        """Post what can be posted within seconds; recovery of the journal posts the rest."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        done = False
        try:
            async with asyncio.timeout(_STOP), self._turning:
                await self._holdings.close()
                await self._post_all()
                done = await self._leave()
        except (StoreUnavailable, TimeoutError):
            logger.warning("store unavailable; the journal of %s is left for recovery", self.owner)
        finally:
            self._journal.close(done=done)

    async def health(self) -> str | None:
        """None if healthy, else what is wrong, for /ready."""
        if self._journal.full:
            return "the journal's disk is full: spending cannot be recorded"
        if self._syncing.failing:
            return "the journal cannot be synced to disk"
        if self._problems:
            return f"ledger errors: {', '.join(self._problems.values())}"
        return None

    async def _repeat(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            try:
                await work()
                self._problems.pop(work.__name__, None)
            except Exception as error:
                problem = f"{type(error).__name__} in {work.__name__}"
                if self._problems.get(work.__name__) != problem:
                    logger.exception("unexpected error in the ledger, which continues")
                self._problems[work.__name__] = problem
            await asyncio.sleep(every)

    async def _sync(self) -> None:
        await self._syncing.requested()
        await self._syncing.sync()

    async def _turn(self) -> None:
        async with self._turning:
            self._journal.tend()
            if not self._outage.may_ask:
                self._write_debits()
                return
            try:
                await self._renew()
                await self._post_all()
                if self._holdings.in_doubt:
                    await self._holdings.restate(self._spent)
            except StoreUnavailable:
                self._store_failed()
            else:
                self._outage.ended()

    async def _renew(self) -> None:
        now = time.monotonic()
        if now < self._renew_at and not self._outage.open:
            return
        lease = await self._store.renew(self.owner, lease=self._options.lease)
        self._renew_at = now + self._options.renew_every
        self._clock.learn(lease.now, now)
        if not lease.alive or lease.posted < self._journal.posted:
            self._store_lost()
        self._poster.learn(lease.posted)

    async def _post_all(self) -> None:
        self._journal.tend()
        self._write_debits()
        if self._journal.durable < self._journal.last:
            await self._syncing.sync()
        rewound = self._poster.rewound
        # A posting lost on disk but kept in the store would look like a repeat after recovery.
        upto = self._journal.last if self._syncing.failing else self._journal.durable
        await self._poster.post(upto)
        await self._holdings.settle()
        if self._poster.rewound > rewound:
            self._store_lost()

    async def _recover(self) -> None:
        if self._outage.open:
            return
        try:
            await self._recovery.recover()
            if time.monotonic() >= self._review_at:
                self._review_at = time.monotonic() + _REVIEW
                self._recovery.forget(self._options.keep_seconds)
                self._journal.forget(self._options.keep_seconds, self._options.keep_bytes)
                await self._recovery.review()
        except StoreUnavailable:
            self._store_failed()

    def _store_failed(self) -> None:
        self._outage.failed()
        self._holdings.doubt(later=True)
        self._review_at = 0.0

    def _store_lost(self) -> None:
        """If the store lost postings of this owner, it may have lost those of dead owners too."""
        self._holdings.doubt()
        self._review_at = 0.0

    async def _leave(self) -> bool:
        if self._journal.open or self.unposted or self._debits:
            return False
        await self._store.restate(self.owner, {}, lease=self._options.lease)
        await self._store.close_owner(self.owner)
        return True

    def _write_debits(self) -> None:
        while self._debits:
            some = list(self._debits.items())[:_DEBITS]
            debits = tuple(Debit(account, bucket, amount) for (account, bucket), amount in some)
            try:
                self._journal.post(Entry("", self.now(), debits=debits))
            except JournalUnavailable:
                return
            for key, _ in some:
                del self._debits[key]

    def _spent(self) -> Mapping[Account, int] | None:
        spent: Counter[Account] = Counter()
        for (account, _), amount in self._debits.items():
            spent[account] += max(amount, 0)
        for pledge in self._partly_settled:
            for debit in pledge.debits():
                spent[debit.account] += max(debit.amount, 0)
        entries = self._journal.unposted()
        if entries is None:
            return None
        for entry in entries:
            for debit in entry.debits:
                spent[debit.account] += max(debit.amount, 0)
        return spent
