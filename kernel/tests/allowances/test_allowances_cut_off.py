"""A process that is cut off from the store, or dies: what it had acquired counts while it must."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

import pytest
from attrs import define, field
from kernel.tests.allowances.bank import LEASE, Bank, Desk, JumpingLoop

from jackfield._slices import AHEAD
from jackfield.allowances import Allowances, Limit, LimitReached
from jackfield.store import Account, OnDeath, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore
from jackfield.windows import Calendar, Rolling, Window

pytestmark = pytest.mark.timeout(120)
ACCOUNT = Account("acme", "tokens")
AMOUNT = 10_000
DAY = 86_400


@define(eq=False)
class Process:
    """One owner with a way of its own to the store, and what it has spent when."""

    desk: Desk
    allowances: Allowances
    spent: list[tuple[float, int]] = field(factory=list)

    async def reserves_for(self, limits: tuple[Limit, ...], seconds: float) -> None:
        """Requests that use nothing of what they reserve: the slice for them does not go back."""
        for _ in range(round(seconds * 10)):
            with suppress(StoreUnavailable):
                (await self.allowances.reserve(limits, [20])).release()
                await self.desk.flush()
            await asyncio.sleep(0.1)

    async def spend_all(self, limits: tuple[Limit, ...]) -> None:
        """Spend whatever can be had."""
        amount = AMOUNT
        while amount:
            try:
                reservation = await self.allowances.reserve(limits, [amount])
            except (LimitReached, StoreUnavailable):
                amount //= 2
                continue
            self.desk.spend(reservation.settle([amount]))
            self.spent.append((self.desk.now(), amount))
            with suppress(StoreUnavailable):
                await self.desk.flush()


@define(eq=False)
class Pair:
    """One that is cut off and one that is not."""

    loop: JumpingLoop
    cut_off: Process
    other: Process

    def play(
        self, window: Window, *, before: float, after: float, on_death: OnDeath = "charge"
    ) -> None:
        """Seconds before the one is cut off, and after; then both spend all that they can have."""

        async def scenario() -> None:
            limits = (Limit(ACCOUNT, AMOUNT, window, on_death),)
            await self.cut_off.reserves_for(limits, before)
            self.cut_off.desk.bank.away = True
            await self.cut_off.reserves_for(limits, after)
            await self.cut_off.spend_all(limits)
            await self.other.spend_all(limits)
            self.cut_off.desk.bank.away = False
            for process in (self.cut_off, self.other):
                await process.allowances.stop()

        self.loop.run(scenario())

    def most_in(self, seconds: float) -> int:
        """The most that both have spent within so many seconds."""
        spent = list(chain(self.cut_off.spent, self.other.spent))
        return max(sum(n for at, n in spent if end - seconds < at <= end) for end, _ in spent)


@pytest.fixture
def pair() -> Iterator[Pair]:
    loop = JumpingLoop()
    store = MemoryStore(loop.time)
    desks = [Desk(Bank(loop, store), name) for name in ("cut off", "other")]
    one, other = (Process(desk, Allowances(desk)) for desk in desks)
    yield Pair(loop, one, other)
    loop.close()


@pytest.mark.parametrize("seconds", [1, 10, 60, 3600])
def test_who_is_cut_off_for_long_overspends_no_window(pair: Pair, seconds: int) -> None:
    window = Rolling(seconds)
    pair.play(window, before=1, after=seconds + 2 * window.width + LEASE)
    assert pair.most_in(seconds) <= AMOUNT


def test_who_is_cut_off_over_midnight_overspends_no_day(pair: Pair) -> None:
    pair.loop.clock = 20 * DAY - 5.0
    pair.play(Calendar("day"), before=1, after=2 * LEASE, on_death="journal")
    assert pair.most_in(LEASE) <= AMOUNT


def test_what_was_acquired_long_ago_counts_when_it_is_spent_just_before_the_end(pair: Pair) -> None:
    limits = (Limit(ACCOUNT, AMOUNT, Rolling(60), "charge"),)
    dead, other = pair.cut_off, pair.other

    async def scenario() -> None:
        await dead.reserves_for(limits, 100)
        dead.desk.bank.away = True
        while debits := dead.allowances.try_spend(limits, [1]):
            dead.spent.append((dead.desk.now(), debits[0].amount))
        await asyncio.sleep(LEASE + 1)
        await other.spend_all(limits)
        for process in (dead, other):
            await process.allowances.stop()

    pair.loop.run(scenario())
    assert pair.most_in(60) <= AMOUNT


def test_what_is_released_in_a_later_part_is_not_spent_there(pair: Pair) -> None:
    limits = (Limit(ACCOUNT, AMOUNT, Rolling(10), "charge"),)

    async def scenario() -> None:
        reservation = await pair.cut_off.allowances.reserve(limits, [50])
        await asyncio.sleep(AHEAD + 2)
        reservation.release()
        assert pair.cut_off.allowances.try_spend(limits, [50]) is None
        await pair.cut_off.allowances.stop()

    pair.loop.run(scenario())
