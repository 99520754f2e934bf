"""A caller that waits for Retry-After is admitted, and not much later than possible."""

import asyncio
from collections.abc import Sequence
from typing import Any

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from jackfield.allowances import Limit
from jackfield.store import Account, Claim, Debit, Entry
from jackfield.testing.memory_store import MemoryStore
from jackfield.windows import Rolling
from jackfield_rate_limits.rate import LimitAccount
from jackfield_rate_limits.retry_times import RetryTimes

ACCOUNT = Account("", "rate:all:requests")
START = 1_000_000.0
SPENT = st.lists(st.tuples(st.floats(0, 120), st.integers(1, 20)), max_size=12)


@define(eq=False)
class Clock:
    """The store's clock, and a ledger that has posted everything."""

    at: float = START + 120

    def now(self) -> float:
        return self.at

    async def flush(self) -> None:
        return None


async def comes_in(store: MemoryStore, limit: Limit, need: int, now: float) -> bool:
    span = limit.window.span(now)
    claim = Claim(ACCOUNT, limit.amount, need, need, span.bucket, span.since)
    acquired = await store.acquire("other", [claim], lease=0.0)
    await store.give_back("other", {ACCOUNT: need})
    return acquired.refused is None


async def check(seconds: int, amount: int, spent: Sequence[tuple[float, int]], need: int) -> None:
    clock: Any = Clock()
    store = MemoryStore(clock.now)
    window = Rolling(seconds)
    limit = Limit(ACCOUNT, amount, window, "charge")
    for after, one in spent:
        bucket = window.span(START + after).bucket
        await store.post("one", 1, [Entry("", 0.0, b"", (Debit(ACCOUNT, bucket, one),))], gap=True)
        await store.close_owner("one")
        store._owners.clear()
    member = LimitAccount("all", "requests", limit, "", str(window), False)
    wait = await RetryTimes(store, clock).wait(member, need)
    assert await comes_in(store, limit, need, clock.at + wait)
    if wait > window.width:
        assert not await comes_in(store, limit, need, clock.at + wait - window.width - 0.5)


@given(st.integers(2, 100), st.integers(20, 60), SPENT, st.integers(1, 20))
def test_after_the_wait_there_is_room_and_a_part_before_there_is_not(
    seconds: int, amount: int, spent: list[tuple[float, int]], need: int
) -> None:
    asyncio.run(check(seconds, amount, spent, need))
