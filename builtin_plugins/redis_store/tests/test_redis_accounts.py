"""Accounts of windows that have passed go by themselves, and no others."""

from collections.abc import AsyncIterator

import pytest
from builtin_plugins.redis_store.tests.redis_servers import Process

from jackfield.store import Account, Claim, Debit, Entry
from jackfield_redis_store import opened
from jackfield_redis_store.store import RedisStore

A = Account("s", "a")
NOW = 1_800_000_000
DAY = 86_400
LONGEST = 400 * DAY
FOR_EVER = -1

ROLLING = Claim(A, 100, 5, 5, NOW, NOW - 3600)
CALENDAR = Claim(A, 100, 5, 5, NOW, NOW)
ALL_TIME = Claim(A, 100, 5, 5, 0, 0)


@pytest.fixture
async def store(server: Process) -> AsyncIterator[RedisStore]:
    server.execute("FLUSHALL")
    async with opened(server.url, deadline=2.0) as store:
        await store.restate("o", {}, lease=100)
        yield store


async def spend(store: RedisStore, number: int, bucket: int, owner: str = "o") -> None:
    await store.post(owner, number, [Entry("s", 0.0, debits=(Debit(A, bucket, 5),))])


def kept_for(server: Process) -> int:
    """Seconds for which the one account is kept."""
    (key,) = [word for word in server.execute("KEYS", "*").split() if "account:" in word]
    return int(server.execute("TTL", key).removeprefix(":"))


@pytest.mark.parametrize(
    ("claim", "seconds"),
    [(ROLLING, 2 * 3600 + DAY), (CALENDAR, LONGEST), (ALL_TIME, FOR_EVER)],
)
async def test_an_account_is_kept_for_longer_than_its_window(
    server: Process, store: RedisStore, claim: Claim, seconds: int
) -> None:
    for number in (1, 2):
        await store.acquire("o", [claim], lease=100)
        await spend(store, number, claim.bucket)
        assert kept_for(server) in (seconds, seconds - 1)


async def test_what_was_never_claimed_is_kept_for_longer_than_any_window(
    server: Process, store: RedisStore
) -> None:
    await spend(store, 1, NOW)
    assert kept_for(server) in (LONGEST, LONGEST - 1)


async def test_what_was_never_claimed_and_counts_for_ever_is_never_forgotten(
    server: Process, store: RedisStore
) -> None:
    await spend(store, 1, 0)
    assert kept_for(server) == FOR_EVER


async def test_a_posting_of_who_has_claimed_nothing_keeps_an_account_longer(
    server: Process, store: RedisStore
) -> None:
    await store.acquire("o", [ROLLING], lease=100)
    await spend(store, 1, NOW)
    await spend(store, 1, NOW, owner="p")
    assert kept_for(server) in (LONGEST, LONGEST - 1)
    await store.acquire("o", [ROLLING], lease=100)
    assert kept_for(server) in (2 * 3600 + DAY, 2 * 3600 + DAY - 1)


async def test_what_a_dead_owner_held_is_kept_as_it_was_claimed(
    server: Process, store: RedisStore
) -> None:
    await store.acquire("o", [ROLLING], lease=0)
    (balance,) = await store.balances([(A, 0)])
    assert balance.spent == 5
    assert kept_for(server) in (2 * 3600 + DAY, 2 * 3600 + DAY - 1)
