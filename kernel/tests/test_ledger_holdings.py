"""What is held for a ledger, however statements, answers and those who give up fall together."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from attrs import define, field

from jackfield._ledger.clock import StoreClock
from jackfield._ledger.holdings import Holdings
from jackfield._ledger.outage import Outage
from jackfield.ledger import Ledger, LedgerOptions
from jackfield.store import Account, Acquired, Claim, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore

A = Account("acme", "a")
STEPS = range(8)


@define(eq=False)
class SteppingStore(MemoryStore):
    """A store whose answers take some steps of the loop, and that may be away."""

    steps: int = 0
    away: bool = False

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        acquired = await super().acquire(owner, claims, lease=lease)
        await turns(self.steps)
        return acquired

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().give_back(owner, amounts)

    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().restate(owner, held, lease=lease)


@define(eq=False)
class Holder:
    """Counts what it gets as soon as it gets it."""

    holdings: Holdings
    held: Counter[Account] = field(factory=Counter)

    async def fill(self, amount: int) -> None:
        acquired = await self.holdings.acquire([Claim(A, 1_000, amount, amount, 0, 0)])
        self.held[A] += acquired.granted[0]


def holder_at(store: MemoryStore) -> Holder:
    holdings = Holdings(store, "o", 60.0, 10.0, Outage(), lambda *_: None)
    holder = Holder(holdings)
    holdings.on_restate(lambda: holder.held)
    return holder


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def held_at(store: MemoryStore) -> int:
    return (await store.balances([(A, 0)]))[0].held


@pytest.mark.parametrize(("answer", "statement"), [*product(range(3), STEPS)])
async def test_what_is_granted_meanwhile_is_stated(answer: int, statement: int) -> None:
    store = SteppingStore(steps=answer)
    holder = holder_at(store)
    filling = asyncio.create_task(holder.fill(10))
    await turns(statement)
    await holder.holdings.restate(dict)
    await filling
    assert (await held_at(store), holder.held[A]) == (10, 10)


@pytest.mark.parametrize(("cancelled_at", "statement"), [*product(STEPS, range(4))])
async def test_what_nobody_waits_for_is_not_given_back_twice(
    cancelled_at: int, statement: int
) -> None:
    store = SteppingStore(steps=2)
    holder = holder_at(store)
    await holder.fill(10)
    filling = asyncio.create_task(holder.fill(10))
    await turns(cancelled_at)
    filling.cancel()
    await turns(statement)
    await holder.holdings.restate(dict)
    await asyncio.wait([filling])
    await holder.holdings.settle()
    assert await held_at(store) == holder.held[A]


async def test_a_store_that_fails_often_gets_the_statement_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("jackfield._ledger.holdings.time.monotonic", lambda: now)
    holdings = holder_at(MemoryStore()).holdings
    for _ in range(4):
        holdings.doubt(later=True)
        now += 0.4
    assert holdings.in_doubt


async def test_what_could_not_be_given_back_is_not_held_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackfield._ledger.holdings._SETTLED", (0.0, 0.0))
    store, held = SteppingStore(), {A: 10}
    ledger = Ledger(store, tmp_path, LedgerOptions(post_every=60.0))
    ledger.on_restate(lambda: held)
    await ledger.start()
    await ledger.acquire([Claim(A, 1_000, 10, 10, 0, 0)])
    await ledger.flush()
    held[A] = 0
    ledger.give_back(A, 10)
    store.away = True
    with pytest.raises(StoreUnavailable):
        await ledger.flush()
    store.away = False
    while await held_at(store):
        await ledger._turn()
        await asyncio.sleep(0.01)
    await ledger.stop()


async def test_nothing_is_held_for_one_who_has_left(tmp_path: Path) -> None:
    store = SteppingStore(steps=50)
    ledger = Ledger(store, tmp_path)
    await ledger.start()
    asking = asyncio.create_task(ledger.acquire([Claim(A, 1_000, 10, 10, 0, 0)]))
    await turns(1)
    await ledger.stop()
    assert await held_at(store) == 0
    assert (await asking).granted == (10,)
    with pytest.raises(StoreUnavailable):
        await ledger.acquire([Claim(A, 1_000, 10, 10, 0, 0)])


def test_the_clock_is_never_far_from_the_stores() -> None:
    running = 0.0
    clock = StoreClock(lambda: running)
    clock.learn(1_000.0, 0.0)
    for _ in range(200):  # The store's clock is slower by one part in a hundred.
        running += 3.0
        clock.learn(1_000.0 + running * 0.99, running - 0.01)
    assert 0 <= clock.now() - (1_000.0 + running * 0.99) <= 0.01 + 1e-9


def test_an_answer_that_took_long_does_not_set_the_clock_back() -> None:
    running = 0.0
    clock = StoreClock(lambda: running)
    clock.learn(1_000.0, 0.0)
    running = 10.0
    clock.learn(1_008.0, 7.5)
    assert clock.now() == 1_010.0
