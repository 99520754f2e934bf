"""What is held for a ledger, however statements, answers and those who give up fall together."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from attrs import define, field

from jackfield._ledger.holdings import Holdings
from jackfield._ledger.outage import Outage
from jackfield.store import Account, Acquired, Balance, Claim, StoreUnavailable
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
class Purse:
    """Counts what it gets as soon as it gets it."""

    holdings: Holdings
    held: Counter[Account] = field(factory=Counter)

    async def fill(self, amount: int) -> None:
        acquired = await self.holdings.acquire([Claim(A, 1_000, amount, amount, 0, 0)])
        self.held[A] += acquired.granted[0]


def purse_at(store: MemoryStore) -> Purse:
    holdings = Holdings(store, "o", 60.0, 10.0, Outage(), lambda *_: None)
    purse = Purse(holdings)
    holdings.on_restate(lambda: purse.held)
    return purse


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def held_at(store: MemoryStore) -> int:
    return (await store.balances([(A, 0)]))[0].held


@pytest.mark.parametrize(("answer", "statement"), [*product(range(3), STEPS)])
async def test_what_is_granted_meanwhile_is_stated(answer: int, statement: int) -> None:
    store = SteppingStore(steps=answer)
    purse = purse_at(store)
    filling = asyncio.create_task(purse.fill(10))
    await turns(statement)
    await purse.holdings.restate(dict)
    await filling
    assert (await held_at(store), purse.held[A]) == (10, 10)


@pytest.mark.parametrize(("gone", "statement"), [*product(STEPS, range(4))])
async def test_what_nobody_waits_for_is_not_given_back_twice(gone: int, statement: int) -> None:
    store = SteppingStore(steps=2)
    purse = purse_at(store)
    await purse.fill(10)
    filling = asyncio.create_task(purse.fill(10))
    await turns(gone)
    filling.cancel()
    await turns(statement)
    await purse.holdings.restate(dict)
    await asyncio.wait([filling])
    await purse.holdings.settle()
    assert await held_at(store) == purse.held[A]
