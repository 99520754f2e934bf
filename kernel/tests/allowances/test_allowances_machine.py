"""Several processes spend, wait, lose the store and die: what must hold of their accounts."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from kernel.tests.allowances.bank import Bank, Desk, JumpingLoop

from jackfield.allowances import Allowances, Limit, LimitReached, Reservation
from jackfield.store import Account, Debit, Entry, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore
from jackfield.windows import Forever, Rolling

BUDGET = Limit(Account("acme", "budget:key"), 1000, Forever())
TEAM = Limit(Account("acme", "budget:team"), 100_000, Forever())
RATE = Limit(Account("acme", "rate:tokens"), 500, Rolling(10), "charge")
PLACES = Limit(Account("acme", "rate:places"), 3, Forever(), "drop")
LIMITS = (BUDGET, TEAM, RATE, PLACES)

AMOUNTS = st.one_of(st.integers(0, 5), st.integers(0, 120), st.integers(0, 1200))
WISHES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(LIMITS[:3]), unique=True, min_size=1), AMOUNTS, st.booleans()
    ),
    min_size=1,
    max_size=5,
)
WHO = st.integers(0, 2)
_KEPT: dict[tuple[Limit, ...], tuple[Limit, ...]] = {}


def kept(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """The same tuple for the same limits, as plugins keep them."""
    return _KEPT.setdefault(limits, limits)


@define(eq=False)
class Process:
    """One owner and what it has reserved, at which time."""

    desk: Desk
    allowances: Allowances
    open: list[tuple[Reservation, tuple[Limit, ...], float]] = field(factory=list)


class Spending(RuleBasedStateMachine):
    """Three processes on one store."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = JumpingLoop()
        self.store = MemoryStore(self.loop.time)
        self.bank = Bank(self.loop, self.store, delay=0.001)
        self.names = count()
        self.processes = [self._started() for _ in range(3)]
        self.dead: list[tuple[Desk, list[Debit]]] = []
        self.truth: list[tuple[Account, float, int]] = []
        self.crashed = False

    @rule(who=WHO, wishes=WISHES)
    def reserve(self, who: int, wishes: list[tuple[list[Limit], int, bool]]) -> None:
        self.loop.run(self._reserve(self.processes[who], wishes))

    @rule(wishes=WISHES, others=WISHES)
    def reserve_at_once(self, wishes: list[Any], others: list[Any]) -> None:
        async def both() -> None:
            first, second, _ = self.processes
            await asyncio.gather(self._reserve(first, wishes), self._reserve(second, others))

        self.loop.run(both())

    @rule(who=WHO, limits=st.permutations(LIMITS[:3]), count=st.integers(1, 3), amount=AMOUNTS)
    def spend(self, who: int, limits: list[Limit], count: int, amount: int) -> None:
        process = self.processes[who]
        spent = process.allowances.try_spend(kept(tuple(limits[:count])), [amount] * count)
        self._spent(spent or (), process, self.loop.time())

    @rule(who=WHO, wishes=WISHES, seconds=st.sampled_from([0, 0.001, 0.0015, 0.002, 0.05]))
    def leave(self, who: int, wishes: list[Any], seconds: float) -> None:
        async def leaving() -> None:
            task = asyncio.ensure_future(self._reserve(self.processes[who], wishes))
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0.05)

        self.loop.run(leaving())

    @rule(who=WHO, at=st.integers(0, 9), part=st.sampled_from([0, 0.1, 0.5, 1]))
    def settle(self, who: int, at: int, part: float) -> None:
        process = self.processes[who]
        if not process.open:
            return
        reservation, limits, began = process.open.pop(at % len(process.open))
        used = [
            0 if limit is PLACES else int(n * part)
            for limit, n in zip(limits, reservation.amounts, strict=True)
        ]
        self._spent(reservation.settle(used), process, began)

    @rule(seconds=st.sampled_from([0.1, 0.3, 1, 5, 11]))
    def wait(self, seconds: float) -> None:
        self.loop.run(self._pass(seconds))

    @rule(who=WHO, wishes=WISHES)
    def lose_the_store(self, who: int, wishes: list[Any]) -> None:
        self.bank.away = True
        self.loop.run(self._reserve(self.processes[who], wishes))
        self.loop.run(asyncio.sleep(2))
        self.bank.away = False
        self.loop.run(self._pass(0.1))

    @precondition(lambda self: len(self.dead) < 2)
    @rule(who=WHO)
    def die(self, who: int) -> None:
        """Volatile debits are lost; promises and journals are not."""
        process = self.processes[who]
        self.loop.run(self._end(process.allowances))
        promised: list[Debit] = []
        for reservation, _, began in process.open:
            self.truth += [(d.account, began, d.amount) for d in reservation.debits()]
            promised += [d for d in reservation.debits() if d.account != RATE.account]
        desk = process.desk
        unposted = [d for d in desk.journal[desk.posted :] if d.account != RATE.account]
        self.dead.append((desk, unposted + promised))
        self.processes[who] = self._started()
        self.crashed = True

    @precondition(lambda self: self.dead)
    @rule()
    def recover(self) -> None:
        self.loop.run(self._recover())

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        for limit in LIMITS:
            assert sum(self._balance(limit)) <= limit.amount

    @invariant()
    def the_store_holds_what_the_processes_hold(self) -> None:
        if self.dead:
            return
        for limit in LIMITS:
            sums = [process.desk.owes(limit.account) for process in self.processes]
            assert self._balance(limit)[1] == sum(sums)

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            for process in self.processes:
                self.loop.run(self._end(process.allowances))
            self.loop.close()

    def _finish(self) -> None:
        while self.dead:
            self.loop.run(self._recover())
        for process in self.processes:
            for reservation, _, _ in process.open:
                reservation.release()
        self.loop.run(self._pass(1))
        for limit in LIMITS:
            assert self._balance(limit)[1] == 0
        for limit in (BUDGET, TEAM):
            total = sum(amount for account, _, amount in self.truth if account == limit.account)
            assert total == self._balance(limit)[0]
            self._all_of_the_rest_can_be_had(limit, limit.amount - total)
        self._no_window_has_more_than_its_limit()

    def _all_of_the_rest_can_be_had(self, limit: Limit, rest: int) -> None:
        reservation = self.loop.run(self.processes[0].allowances.reserve([limit], [rest]))
        with pytest.raises(LimitReached):
            self.loop.run(self.processes[1].allowances.reserve([limit], [1]))
        reservation.release()

    def _no_window_has_more_than_its_limit(self) -> None:
        spent = [(at, amount) for account, at, amount in self.truth if account == RATE.account]
        for end, _ in spent:
            assert sum(n for at, n in spent if end - 10 < at <= end) <= RATE.amount

    def _balance(self, limit: Limit) -> tuple[int, int]:
        since = limit.window.span(self.loop.time()).since
        balance = self.loop.run(self.store.balances([(limit.account, since)]))[0]
        return balance.spent, balance.held

    def _started(self) -> Process:
        desk = Desk(self.bank, f"owner {next(self.names)}")
        return Process(desk, Allowances(desk))

    async def _reserve(self, process: Process, wishes: Sequence[tuple[Any, int, bool]]) -> None:
        await asyncio.gather(*(self._one(process, *wish) for wish in wishes))

    async def _one(self, process: Process, limits: list[Limit], amount: int, place: bool) -> None:
        wanted = kept((*limits, PLACES) if place else tuple(limits))
        amounts = [1 if limit is PLACES else amount for limit in wanted]
        try:
            reservation = await process.allowances.reserve(wanted, amounts)
        except (LimitReached, StoreUnavailable):
            return
        process.open.append((reservation, wanted, self.loop.time()))

    def _spent(self, debits: Sequence[Debit], process: Process, began: float) -> None:
        process.desk.spend(debits)
        self.truth += [(debit.account, began, debit.amount) for debit in debits]

    async def _pass(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            await asyncio.sleep(0.1)
            for process in self.processes:
                await process.desk.flush()

    async def _recover(self) -> None:
        desk, debits = self.dead.pop()
        entries = [Entry("", 0.0, b"", (debit,)) for debit in debits]
        await self.store.post(desk.owner, desk.posted + 1, entries)
        await self.store.close_owner(desk.owner)

    async def _end(self, allowances: Allowances) -> None:
        """End what runs for it, as the end of its process does."""
        tasks = [*allowances._serving, *filter(None, [allowances._giving_back])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if allowances._timer is not None:
            allowances._timer.cancel()


@pytest.mark.timeout(180)
def test_spending_keeps_its_limits() -> None:
    run_machine(Spending, settings=settings(max_examples=200, stateful_step_count=15))


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_spending_keeps_its_limits_in_ten_thousand_programs() -> None:
    run_machine(Spending, settings=settings(max_examples=10_000, stateful_step_count=40))
