"""A store that is slow or away, what a ledger does with it, and a clock that jumps."""

import asyncio
import selectors
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from attrs import define, field

from jackfield.store import Account, Acquired, Claim, Debit, Entry, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore

T = TypeVar("T")

LEASE = 15.0


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self.clock = 1_000_000.0

    def time(self) -> float:
        return self.clock

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.run_until_complete(coroutine)


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self._loop.clock += timeout
        return super().select(0)


@define(eq=False)
class Bank:
    """The way to a store. It takes `delay` seconds there and back, or ends nowhere."""

    loop: JumpingLoop
    store: MemoryStore
    delay: float = 0.0
    away: bool = False
    calls: int = 0

    async def reached(self) -> None:
        await asyncio.sleep(self.delay)
        if self.away:
            raise StoreUnavailable("The store does not answer.")

    def spent_since(self, account: Account, since: int) -> int:
        return self.loop.run(self.store.balances([(account, since)]))[0].spent

    def held_of(self, account: Account) -> int:
        return self.loop.run(self.store.balances([(account, 0)]))[0].held


@define(eq=False)
class Desk:
    """One owner at the bank: a ledger whose journal is a list."""

    bank: Bank
    owner: str
    journal: list[Debit] = field(factory=list)
    posted: int = 0
    given: Counter[Account] = field(factory=Counter)
    held: Callable[[], Mapping[Account, int]] = field(default=dict)
    _posting: asyncio.Lock = field(factory=asyncio.Lock)

    def now(self) -> float:
        return self.bank.loop.time()

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        await self.bank.reached()
        self.bank.calls += 1
        acquired = await self.bank.store.acquire(self.owner, claims, lease=LEASE)
        await asyncio.sleep(self.bank.delay)
        return acquired

    def give_back(self, account: Account, amount: int) -> None:
        assert amount > 0
        self.given[account] += amount

    def on_restate(self, held: Callable[[], Mapping[Account, int]]) -> None:
        self.held = held

    def spend(self, debits: Sequence[Debit]) -> None:
        self.journal += debits

    async def flush(self) -> None:
        """Post everything, in one step as a store does it, and go on living."""
        async with self._posting:
            await self.bank.reached()
            store, owner = self.bank.store, self.owner
            entries = [Entry("", 0.0, b"", (debit,)) for debit in self.journal[self.posted :]]
            await store.post(owner, self.posted + 1, entries)
            self.posted += len(entries)
            await store.give_back(owner, self.given)
            self.given.clear()
            await store.renew(owner, lease=LEASE)

    def owes(self, account: Account) -> int:
        """What the bank must hold for it: held here, spent or given back and not posted."""
        spent = sum(d.amount for d in self.journal[self.posted :] if d.account == account)
        return self.held().get(account, 0) + spent + self.given[account]
