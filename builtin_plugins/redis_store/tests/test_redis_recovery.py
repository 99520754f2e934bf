"""A server that has lost data: nothing is granted anew, and the owners make it whole."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.callers import (
    ACCOUNT,
    DEADLINE,
    acquire,
    probe,
    recovered,
    until,
)
from builtin_plugins.redis_store.tests.owners import Owner
from builtin_plugins.redis_store.tests.redis_servers import Process, follow, running
from builtin_plugins.redis_store.tests.relay import relaying

from jackfield.store import StoreUnavailable
from jackfield_redis_store import opened
from jackfield_redis_store.store import RedisStore

RECOVERY = 0.5
LIMIT = 100
FAILOVERS = 20


@pytest.fixture
def own(tmp_path: Path) -> Process:
    return Process("redis-server", tmp_path / "own")


@pytest.fixture
async def store(own: Process) -> AsyncIterator[RedisStore]:
    with running(own):
        async with opened(own.url, deadline=1.0, recovery=RECOVERY) as store:
            await recovered(store)
            yield store


async def _spent_and_held(store: RedisStore) -> tuple[int, int]:
    ((spent, held),) = [(one.spent, one.held) for one in await store.balances([(ACCOUNT, 0)])]
    return spent, held


async def test_an_empty_server_grants_nothing_until_it_has_the_spent_amounts(own: Process) -> None:
    with running(own):
        recovery = 3 * RECOVERY  # long enough for a busy machine to ask in it
        async with opened(own.url, deadline=1.0, recovery=recovery) as store:
            began = await store.time()
            with pytest.raises(StoreUnavailable, match="is being told what has been spent"):
                await probe(store)
            assert "is empty" in (await store.health() or "")
            await recovered(store)
            assert await store.time() - began >= recovery


async def test_after_a_flush_nothing_is_granted_that_was_spent_before(
    own: Process, store: RedisStore
) -> None:
    first, second = Owner(store, "first"), Owner(store, "second")
    await second.post()
    first.held = await acquire(store, "first", 60, limit=LIMIT) - 20
    for _ in range(20):
        first.spend()
    await first.post()
    before = await _spent_and_held(store)
    own.execute("FLUSHALL")
    with pytest.raises(StoreUnavailable):
        await acquire(store, "second", 60, limit=LIMIT)
    await first.post()
    assert await _spent_and_held(store) == before
    await recovered(store)
    assert await acquire(store, "second", 60, limit=LIMIT) == 0


async def test_a_server_that_is_started_again_without_its_data_gets_it_back(
    own: Process, store: RedisStore
) -> None:
    owner = Owner(store, "first")
    for _ in range(20):
        owner.spend()
    await owner.post()
    own.kill()
    own.start()
    await until(lambda: _posted(owner))
    assert (await _spent_and_held(store), owner.lost) == ((20, 0), 20)


async def test_what_is_written_to_disk_is_there_after_a_kill(own: Process) -> None:
    own.arguments = ("--appendonly", "yes", "--appendfsync", "always")
    with running(own):
        async with opened(own.url, deadline=1.0, recovery=RECOVERY) as store:
            await recovered(store)
            owner = Owner(store, "first")
            owner.spend()
            await owner.post()
            own.kill()
            own.start()
            await until(lambda: _posted(owner))
            await probe(store)
            assert owner.lost == 0


async def _posted(owner: Owner) -> bool:
    try:
        await owner.post()
    except StoreUnavailable:
        return False
    return True


@pytest.mark.timeout(120)
async def test_after_many_failovers_everything_is_there_exactly_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        primary = stack.enter_context(running(Process("redis-server", tmp_path / "0")))
        async with relaying(primary.port) as relay, opened(relay.url, deadline=DEADLINE) as store:
            owners = [Owner(store, name) for name in "opq"]
            working = [asyncio.create_task(owner.work()) for owner in owners]
            for number in range(1, FAILOVERS + 1):
                replica = Process("redis-server", tmp_path / str(number))
                stack.enter_context(running(replica))
                follow(replica, primary)
                await asyncio.sleep(0.1)  # under load
                primary.kill()
                replica.execute("REPLICAOF", "NO", "ONE")
                relay.target, primary = replica.port, replica
                relay.reset()
                await recovered(store)
            for task in working:
                task.cancel()
            for owner in owners:
                await until(partial(_posted, owner))
        async with opened(primary.url, deadline=10.0) as store:
            await _holds_everything_once(store, owners)


async def _holds_everything_once(store: RedisStore, owners: list[Owner]) -> None:
    due = Counter(entry.record for owner in owners for entry in owner.journal)
    found: Counter[bytes] = Counter()
    after = ""
    while page := await store.records("s", 0, 1e12, after=after):
        found.update(record.data for record in page)
        after = page[-1].place
    assert found == due
    spent, _ = await _spent_and_held(store)
    assert spent == due.total()
    tallies = await store.tallies("s", "", 0, 1)
    assert {one.series: one.amount for one in tallies} == {
        owner.name: len(owner.journal) for owner in owners
    }


async def test_who_was_connected_anew_has_to_state_what_it_holds(
    own: Process, store: RedisStore
) -> None:
    async def is_alive() -> bool:
        while True:
            try:
                return (await store.renew("o", lease=60)).alive
            except StoreUnavailable:
                await asyncio.sleep(0)

    await store.restate("o", {}, lease=60)
    assert await is_alive()
    own.execute("CLIENT", "KILL", "TYPE", "normal")
    assert not await is_alive()
    await store.restate("o", {}, lease=60)
    assert await is_alive()
