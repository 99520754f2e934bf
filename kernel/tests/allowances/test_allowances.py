"""What may be spent, by whom, and how soon it is free for others."""

import asyncio
from collections.abc import Iterator

import pytest
from attrs import define
from kernel.tests.allowances.bank import Bank, Desk, JumpingLoop

from jackfield.allowances import Allowances, Limit, LimitReached, Reservation
from jackfield.store import Account, Debit, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore
from jackfield.windows import Forever, Rolling

KEY = Account("acme", "budget:key")
TEAM = Account("acme", "budget:team")
PLACES = Account("acme", "rate:places")


@define(eq=False)
class World:
    """A bank, and two processes that spend."""

    loop: JumpingLoop
    bank: Bank
    one: Allowances
    two: Allowances
    desks: tuple[Desk, Desk]

    def reserve(self, who: Allowances, limit: Limit, amount: int) -> Reservation:
        return self.loop.run(who.reserve([limit], [amount]))

    def spend(self, who: Allowances, limit: Limit, amount: int, used: int | None = None) -> None:
        desk = self.desks[who is self.two]
        desk.spend(self.reserve(who, limit, amount).settle([amount if used is None else used]))

    def wait(self, seconds: float) -> None:
        """Let time pass, and postings happen as a ledger makes them."""

        async def passing() -> None:
            for _ in range(round(seconds * 10)):
                await asyncio.sleep(0.1)
                for desk in self.desks:
                    await desk.flush()

        self.loop.run(passing())


@pytest.fixture
def world() -> Iterator[World]:
    loop = JumpingLoop()
    bank = Bank(loop, MemoryStore(loop.time))
    desks = Desk(bank, "one"), Desk(bank, "two")
    world = World(loop, bank, Allowances(desks[0]), Allowances(desks[1]), desks)
    yield world
    world.wait(1)
    loop.close()


def limit(amount: int, account: Account = KEY, seconds: int = 0) -> Limit:
    return Limit(account, amount, Rolling(seconds) if seconds else Forever())


def test_what_fits_is_reserved_and_what_does_not_is_refused(world: World) -> None:
    world.spend(world.one, limit(100), 60)
    with pytest.raises(LimitReached) as caught:
        world.reserve(world.two, limit(100), 50)
    assert (caught.value.need, caught.value.balance.held) == (50, 60)
    world.reserve(world.two, limit(100), 40)


def test_all_accounts_are_reserved_or_none(world: World) -> None:
    limits = [limit(1000), limit(10, TEAM)]
    with pytest.raises(LimitReached) as caught:
        world.loop.run(world.one.reserve(limits, [20, 20]))
    assert caught.value.limit.account == TEAM
    assert world.bank.held_of(KEY) == 0
    assert world.loop.run(world.one.reserve(limits, [10, 10])).amounts == (10, 10)


def test_what_was_not_used_serves_the_next(world: World) -> None:
    world.spend(world.one, limit(100), 100, used=10)
    calls = world.bank.calls
    world.spend(world.one, limit(100), 90)
    assert world.bank.calls == calls
    assert sum(debit.amount for debit in world.desks[0].journal) == 100


def test_a_reservation_is_settled_once(world: World) -> None:
    reservation = world.reserve(world.one, limit(100), 10)
    assert reservation.debits() == (Debit(KEY, 0, 10),)
    assert reservation.settle([7]) == (Debit(KEY, 0, 7),)
    reservation.release()
    with pytest.raises(RuntimeError, match="already settled"):
        reservation.settle([7])


def test_released_amounts_are_free_again(world: World) -> None:
    world.reserve(world.one, limit(100), 100).release()
    world.wait(0.1)
    world.reserve(world.two, limit(100), 100)


def test_what_is_left_over_of_a_scarce_account_goes_back_at_once(world: World) -> None:
    world.spend(world.one, limit(100), 100, used=40)
    world.wait(0.1)
    world.reserve(world.two, limit(100), 60)


def test_under_load_most_reservations_ask_nobody(world: World) -> None:
    for _ in range(1000):
        world.spend(world.one, limit(10**9), 100)
    assert world.bank.calls < 30


def test_a_slice_is_at_most_a_hundredth_of_what_is_left(world: World) -> None:
    for _ in range(200):
        world.spend(world.one, limit(1_000_000), 100)
        held = world.desks[0].held().get(KEY, 0)
        assert held <= 1_000_000 // 100


def test_near_the_limit_nothing_is_held_in_advance(world: World) -> None:
    for _ in range(98):
        world.spend(world.one, limit(10_000), 100)
    assert world.desks[0].held().get(KEY, 0) == 0
    world.spend(world.two, limit(10_000), 100)
    world.spend(world.one, limit(10_000), 100)


def test_what_lies_idle_goes_back_within_half_a_second(world: World) -> None:
    for _ in range(200):
        world.spend(world.one, limit(10_000_000), 100)
    assert world.desks[0].held()[KEY] > 0
    world.wait(0.5)
    assert world.desks[0].held() == {}
    assert world.bank.held_of(KEY) == 0
    world.reserve(world.two, limit(10_000_000), 10_000_000 - 20_000)


def test_callers_that_lack_the_same_share_one_call(world: World) -> None:
    world.bank.delay = 0.001

    async def crowd() -> list[Reservation]:
        wishes = [world.one.reserve([limit(10**6)], [100]) for _ in range(300)]
        return await asyncio.gather(*wishes)

    assert len(world.loop.run(crowd())) == 300
    assert world.bank.calls == 1


def test_one_refusal_refuses_all_that_have_no_room(world: World) -> None:
    world.bank.delay = 0.001

    async def crowd() -> list[object]:
        wishes = [world.one.reserve([limit(1000)], [100]) for _ in range(300)]
        return await asyncio.gather(*wishes, return_exceptions=True)

    done = world.loop.run(crowd())
    assert sum(isinstance(one, Reservation) for one in done) == 10
    assert sum(isinstance(one, LimitReached) for one in done) == 290
    assert world.bank.calls <= 3


def test_a_smaller_request_fits_where_a_larger_one_is_refused(world: World) -> None:
    async def crowd() -> list[object]:
        wishes = [world.one.reserve([limit(100)], [n]) for n in (60, 70, 40)]
        return await asyncio.gather(*wishes, return_exceptions=True)

    done = world.loop.run(crowd())
    assert [type(one) for one in done] == [Reservation, LimitReached, Reservation]


def test_when_the_store_is_away_slices_are_spent_and_then_all_fail(world: World) -> None:
    for _ in range(100):
        world.spend(world.one, limit(10**6), 10)
    world.bank.away = True
    held = world.desks[0].held()[KEY]
    for _ in range(held // 10):
        world.spend(world.one, limit(10**6), 10)

    async def crowd() -> list[object]:
        wishes = [world.one.reserve([limit(10**6)], [10]) for _ in range(50)]
        return await asyncio.gather(*wishes, return_exceptions=True)

    assert all(isinstance(one, StoreUnavailable) for one in world.loop.run(crowd()))
    world.bank.away = False


def test_a_caller_that_leaves_while_it_waits_holds_nothing(world: World) -> None:
    world.bank.delay = 0.01

    async def leave_at(seconds: float) -> None:
        task = asyncio.ensure_future(world.one.reserve([limit(100)], [100]))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])

    for seconds in (0, 0.005, 0.015, 0.02):
        world.loop.run(leave_at(seconds))
        world.wait(1)
        assert world.desks[0].held() == {}
    world.reserve(world.two, limit(100), 100)


def test_a_place_that_another_process_leaves_is_free_at_once(world: World) -> None:
    places = Limit(PLACES, 1, Forever(), "drop")

    async def both() -> None:
        taken = await world.one.reserve([places], [1])
        waiting = asyncio.ensure_future(world.two.reserve([places], [1]))
        await asyncio.sleep(0.01)
        taken.release()
        (await waiting).release()

    world.loop.run(both())
    world.wait(1)
    assert world.bank.held_of(PLACES) == 0
    assert world.desks[0].journal == []


def test_what_another_process_has_left_over_is_waited_for(world: World) -> None:
    hundred = limit(100)

    async def both() -> None:
        larger = await world.one.reserve([hundred], [90])
        waiting = asyncio.ensure_future(world.two.reserve([hundred], [60]))
        await asyncio.sleep(0.005)
        world.desks[0].spend(larger.settle([40]))
        world.desks[1].spend((await waiting).settle([60]))

    world.loop.run(both())
    world.wait(1)
    assert world.bank.held_of(KEY) == 0
    with pytest.raises(LimitReached):
        world.reserve(world.one, hundred, 1)


def test_a_rolling_window_never_admits_more_than_its_limit(world: World) -> None:
    admitted: list[float] = []
    ten = limit(10, seconds=10)
    for _ in range(300):
        try:
            world.spend(world.one, ten, 1)
        except LimitReached:
            world.wait(0.1)
        else:
            admitted.append(world.loop.time())
    assert len(admitted) > 20
    for first, eleventh in zip(admitted, admitted[10:], strict=False):
        assert eleventh - first > 10


def test_a_limit_that_is_lowered_holds_at_once(world: World) -> None:
    for _ in range(200):
        world.spend(world.one, limit(10**6), 10)
    with pytest.raises(LimitReached):
        world.reserve(world.one, limit(2000), 10)


def test_more_than_was_reserved_is_debited_and_held_against_the_rest(world: World) -> None:
    world.spend(world.one, limit(100), 10, used=30)
    assert world.bank.held_of(KEY) == 10
    world.spend(world.one, limit(100), 10)
    assert world.bank.held_of(KEY) == 40
    with pytest.raises(LimitReached):
        world.reserve(world.one, limit(100), 61)
    world.wait(1)
    assert world.bank.held_of(KEY) == 0
    assert world.bank.spent_since(KEY, 0) == 40


def test_a_debt_that_is_posted_is_forgotten(world: World) -> None:
    world.spend(world.one, limit(100), 10, used=30)
    world.wait(1)
    assert world.bank.spent_since(KEY, 0) == 30
    world.reserve(world.one, limit(100), 70)
    assert world.bank.held_of(KEY) == 70


def test_what_is_left_is_known_after_the_first_call(world: World) -> None:
    assert world.one.remaining(limit(100)) is None
    reservation = world.reserve(world.one, limit(100), 40)
    assert world.one.remaining(limit(100)) == 60
    reservation.settle([10])
    assert world.one.remaining(limit(100)) == 90


def test_what_is_held_here_can_be_spent_at_once(world: World) -> None:
    limits = (limit(100), limit(100, TEAM))
    assert world.one.try_spend(limits, (1, 1)) is None
    world.loop.run(world.one.reserve(limits, (10, 10))).release()
    assert world.one.try_spend(limits, (4, 11)) is None
    debits = world.one.try_spend(limits, (4, 10))
    assert debits == (Debit(KEY, 0, 4), Debit(TEAM, 0, 10))
    world.desks[0].spend(debits)
    world.wait(1)
    assert (world.bank.spent_since(KEY, 0), world.bank.held_of(KEY)) == (4, 0)


def test_limits_that_are_kept_go_by_the_moment(world: World) -> None:
    limits = (limit(100, seconds=10),)
    world.loop.run(world.one.reserve(limits, (10,))).release()
    spent = [world.one.try_spend(limits, (1,))]
    world.loop.clock += 5
    spent.append(world.one.try_spend(limits, (1,)))
    buckets = [debits[0].bucket for debits in spent if debits]
    assert buckets[1] - buckets[0] == 5


def test_limits_that_are_kept_do_not_outlive_a_change_of_the_limit(world: World) -> None:
    before, after = (limit(100),), (limit(5),)
    world.loop.run(world.one.reserve(before, (50,))).release()
    assert world.one.try_reserve(before, (10,)) is not None
    world.loop.run(world.one.reserve(after, (0,)))
    assert world.one.try_reserve(before, (10,)) is None


def test_limits_that_are_kept_do_not_outlive_what_is_forgotten(world: World) -> None:
    limits = (limit(100),)
    world.loop.run(world.one.reserve(limits, (10,))).release()
    world.wait(2)
    assert not world.one._slices
    assert world.one.try_reserve(limits, (0,)) is None


def test_how_a_limit_stands_is_known_after_the_first_call(world: World) -> None:
    now = world.loop.time()
    known = limit(100, seconds=10)
    assert world.one.standing(known, now) is None
    world.reserve(world.one, known, 40)
    assert world.one.standing(known, now) == (60, now + 11)
    assert world.one.standing(known, now + 3) == (60, now + 14)


def test_nothing_is_needed_for_nothing(world: World) -> None:
    world.spend(world.one, limit(100), 100)
    calls = world.bank.calls
    world.reserve(world.one, limit(100), 0).release()
    assert world.bank.calls == calls


def test_idle_accounts_are_forgotten(world: World) -> None:
    for number in range(50):
        world.spend(world.one, limit(1000, Account("acme", f"session:{number}")), 10)
    world.wait(2)
    assert not world.one._slices
    assert world.one._timer is None


def test_stopping_gives_back_all_that_is_not_reserved(world: World) -> None:
    for _ in range(200):
        world.spend(world.one, limit(10**7), 10)
    reservation = world.reserve(world.one, limit(10**7), 10)
    world.loop.run(world.one.stop())
    assert world.bank.held_of(KEY) == 10
    world.desks[0].spend(reservation.settle([10]))
    world.wait(0.1)
    assert world.bank.held_of(KEY) == 0
