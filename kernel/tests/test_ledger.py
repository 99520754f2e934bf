"""The ledger: what is written is posted, what is acquired is known, and the store may be away."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import define, evolve

from jackfield.ledger import JournalUnavailable, Ledger, LedgerOptions
from jackfield.store import (
    Account,
    Acquired,
    Balance,
    Claim,
    Debit,
    Entry,
    Lease,
    StoreUnavailable,
)
from jackfield.testing.memory_store import MemoryStore

A = Account("acme", "a")
FAST = LedgerOptions(
    renew_every=0.05,
    post_every=0.01,
    recover_every=0.02,
    patience=10.0,
    segment_bytes=256 << 10,
)


@define(eq=False)
class FlakyStore(MemoryStore):
    """A store that may be away, slow, or restored from an old copy."""

    away: bool = False
    slow: asyncio.Event | None = None

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        self._answer()
        return await super().post(owner, first, entries, gap=gap)

    async def renew(self, owner: str, *, lease: float) -> Lease:
        self._answer()
        return await super().renew(owner, lease=lease)

    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        self._answer()
        await super().restate(owner, held, lease=lease)

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        self._answer()
        await super().give_back(owner, amounts)

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        if self.slow is not None:
            await self.slow.wait()
        self._answer()
        return await super().acquire(owner, claims, lease=lease)

    async def time(self) -> float:
        self._answer()
        return await super().time()

    def flush(self) -> None:
        """Lose everything."""
        self._owners.clear()
        self._spent.clear()
        self._records.clear()

    def rules_of(self, owner: str) -> object:
        """What the owner has ever acquired."""
        return self._owners[owner].rules

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("The store does not answer.")


def entry(amount: int, record: bytes = b"") -> Entry:
    return Entry("acme", 1.5, record, (Debit(A, 0, amount),))


def claim(need: int, want: int | None = None) -> Claim:
    return Claim(A, 1_000, need, need if want is None else want, 0, 0)


async def balance(store: MemoryStore) -> Balance:
    return (await store.balances([(A, 0)]))[0]


async def until(fact: Callable[[], Awaitable[object] | object]) -> None:
    """Wait for a fact."""
    while True:
        found = fact()
        if await found if isinstance(found, Awaitable) else found:
            return
        await asyncio.sleep(0.005)


@asynccontextmanager
async def ledger_of(
    store: MemoryStore, root: Path, options: LedgerOptions = FAST
) -> AsyncIterator[Ledger]:
    ledger = Ledger(store, root, options)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()


async def test_what_is_posted_reaches_the_store(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        ledger.post(entry(7, b"seven"))
        await until(lambda: ledger.posted == 1)
        assert await balance(store) == Balance(7, 0)
        assert [record.data for record in await store.records("acme", 0, 9)] == [b"seven"]


async def test_only_what_really_was_is_posted(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        spent, void = ledger.promise(entry(100)), ledger.promise(entry(50))
        ledger.post(entry(7), promised=spent)
        ledger.cancel(void)
        await ledger.flush()
    assert await balance(store) == Balance(7, 0)
    assert (ledger.promised, ledger.posted, ledger.unposted) == (2, 1, 0)


async def test_debits_are_posted_as_one_sum(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        for amount in range(10):
            ledger.debit(Debit(A, 60, amount))
        await ledger.flush()
        assert (ledger.posted, await balance(store)) == (1, Balance(45, 0))


async def test_what_was_acquired_is_held_until_it_is_spent_or_given_back(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        held = {A: 100}
        ledger.on_restate(lambda: held)
        assert (await ledger.acquire([claim(10, 100)])).granted == (100,)
        held[A] = 0
        ledger.post(entry(30))
        ledger.give_back(A, 70)
        await ledger.flush()
        assert await balance(store) == Balance(30, 0)


async def test_a_store_that_is_away_costs_no_posting(tmp_path: Path) -> None:
    store = FlakyStore(away=True)
    async with ledger_of(store, tmp_path) as ledger:
        for amount in range(3_000):
            ledger.post(entry(amount))
        with pytest.raises(StoreUnavailable):
            await ledger.flush()
        assert (ledger.unposted, ledger.away, await ledger.health()) == (3_000, True, None)
        store.away = False
        await until(lambda: not ledger.unposted)
        assert (await balance(store)).spent == sum(range(3_000))


async def test_an_acquisition_does_not_wait_for_a_slow_store(tmp_path: Path) -> None:
    store = FlakyStore(slow=asyncio.Event())
    async with ledger_of(store, tmp_path, evolve(FAST, patience=0.05)) as ledger:
        with pytest.raises(StoreUnavailable):
            await ledger.acquire([claim(10)])
        assert store.slow is not None
        store.slow.set()
        await until(lambda: bool(store.rules_of(ledger.owner)))
        await until(lambda: _is(store, Balance(0, 0)))


async def test_what_a_caller_no_longer_waits_for_is_given_back(tmp_path: Path) -> None:
    store = FlakyStore(slow=asyncio.Event())
    async with ledger_of(store, tmp_path) as ledger:
        task = asyncio.create_task(ledger.acquire([claim(10)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert store.slow is not None
        store.slow.set()
        await until(lambda: bool(store.rules_of(ledger.owner)))
        await until(lambda: _is(store, Balance(0, 0)))


async def test_nobody_asks_a_store_that_did_not_answer(tmp_path: Path) -> None:
    store = FlakyStore()
    async with ledger_of(store, tmp_path) as ledger:
        store.away = True
        with pytest.raises(StoreUnavailable):
            await ledger.acquire([claim(10)])
        store.slow = asyncio.Event()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await ledger.acquire([claim(10)])
        store.away, store.slow = False, None
        await until(lambda: not ledger.away)
        assert (await ledger.acquire([claim(10)])).granted == (10,)


async def test_a_lease_that_was_lost_is_mended(tmp_path: Path) -> None:
    store = FlakyStore()
    async with ledger_of(store, tmp_path) as ledger:
        ledger.on_restate(lambda: {A: 80})
        assert (await ledger.acquire([claim(80)])).granted == (80,)
        await store.renew(ledger.owner, lease=0)
        assert await balance(store) == Balance(80, 0)
        await until(lambda: _is(store, Balance(0, 80)))


async def test_what_the_store_has_lost_is_posted_again(tmp_path: Path) -> None:
    store = FlakyStore()
    async with ledger_of(store, tmp_path) as ledger:
        ledger.on_restate(lambda: {A: 5})
        for _ in range(2_500):
            ledger.post(entry(1))
        await until(lambda: not ledger.unposted)
        store.flush()
        ledger.post(entry(1))
        await until(lambda: _is(store, Balance(2_501, 5)))
        assert ledger.posted == 2_500 + 2_501


async def test_all_is_given_back_and_closed_at_the_end(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        await ledger.acquire([claim(100)])
        ledger.post(entry(30))
        ledger.debit(Debit(A, 0, 1))
    assert await balance(store) == Balance(31, 0)
    assert _names(tmp_path) == [f"{ledger.owner}@2.closed"]


async def test_what_is_still_promised_at_the_end_is_left_to_others(tmp_path: Path) -> None:
    store = MemoryStore()
    async with ledger_of(store, tmp_path) as ledger:
        ledger.promise(entry(30))
    assert _names(tmp_path) == [ledger.owner]
    async with ledger_of(store, tmp_path) as heir:
        await until(lambda: heir.recovered)
        assert (heir.presumed, await balance(store)) == (1, Balance(30, 0))


async def test_the_clock_is_the_stores_and_never_goes_back(tmp_path: Path) -> None:
    now = 1_000.0
    store = MemoryStore(lambda: now)
    async with ledger_of(store, tmp_path) as ledger:
        assert 1_000 <= ledger.now() < 1_100
        now = 5_000.0
        await until(lambda: 5_000 <= ledger.now() < 5_100)
        now = 2_000.0
        shown = ledger.now()
        await ledger.acquire([claim(1)])
        assert ledger.now() >= shown


async def _is(store: MemoryStore, expected: Balance) -> bool:
    return await balance(store) == expected


def _names(root: Path) -> list[str]:
    return [path.name for path in root.iterdir()]


async def test_a_full_disk_is_reported_and_mends_without_a_restart(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, before[1]))
    try:
        ledger = Ledger(MemoryStore(), tmp_path, FAST)
        await ledger.start()
        with pytest.raises(JournalUnavailable):
            ledger.promise(entry(1))
        assert "disk is full" in str(await ledger.health())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    await until(lambda: _is_well(ledger))
    ledger.post(entry(1), promised=ledger.promise(entry(2)))
    await ledger.stop()
    assert ledger.unposted == 0


async def _is_well(ledger: Ledger) -> bool:
    return await ledger.health() is None
