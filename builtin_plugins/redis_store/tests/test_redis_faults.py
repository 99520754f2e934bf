"""A server that is away, slow, or not what it should be: no call hangs, and all comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.callers import (
    DEADLINE,
    call_often,
    recovered,
    until,
)
from builtin_plugins.redis_store.tests.redis_servers import Process, running
from builtin_plugins.redis_store.tests.relay import Relay, relaying

from jackfield_redis_store import opened
from jackfield_redis_store.store import RedisStore


@pytest.fixture
async def relay(server: Process) -> AsyncIterator[Relay]:
    server.execute("FLUSHALL")
    async with relaying(server.port) as relay:
        yield relay


@pytest.fixture
async def store(relay: Relay) -> AsyncIterator[RedisStore]:
    async with opened(relay.url, deadline=DEADLINE) as store:
        await recovered(store)
        yield store


@pytest.fixture
def own(tmp_path: Path) -> Process:
    """A server that a test may do anything to."""
    return Process("redis-server", tmp_path / "own")


async def test_a_black_hole_refuses_in_time_and_comes_back(relay: Relay, store: RedisStore) -> None:
    relay.mode = "swallow"
    calls = await call_often(store)
    assert calls.answered == 0
    assert await store.health() == "Redis does not answer in time"
    relay.mode = "pass"
    await recovered(store)


async def test_while_it_is_known_to_be_away_nobody_waits(relay: Relay, store: RedisStore) -> None:
    relay.mode = "refuse"
    relay.reset()
    await until(lambda: _reports(store, "Redis"))
    before = relay.connections
    calls = await call_often(store, 1000, at_once=100)
    assert calls.answered == 0
    # Connecting is tried in the background alone, and less and less often.
    assert relay.connections - before < 30


async def test_a_slow_server_is_refused_in_time_and_comes_back(
    relay: Relay, store: RedisStore
) -> None:
    relay.delay = 0.25
    calls = await call_often(store)
    assert calls.answered == 0
    relay.delay = 0.0
    await recovered(store)


async def test_a_broken_connection_is_made_again(relay: Relay, store: RedisStore) -> None:
    for _ in range(20):
        relay.reset()
        await recovered(store)


async def test_a_server_that_is_down_at_first_is_found_later(own: Process) -> None:
    async with opened(own.url, deadline=DEADLINE) as store:
        calls = await call_often(store)
        assert (calls.answered, await store.health()) == (
            0,
            "Redis cannot be reached: Connection refused",
        )
        with running(own):
            await recovered(store)


async def test_a_server_that_is_killed_and_started_again_is_found(own: Process) -> None:
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            for _ in range(3):
                await recovered(store)
                own.kill()
                assert (await call_often(store)).answered == 0
                own.start()


async def test_a_server_that_hangs_is_left_alone_until_it_goes_on(own: Process) -> None:
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.signal(signal.SIGSTOP)
            assert (await call_often(store)).answered == 0
            own.signal(signal.SIGCONT)
            await recovered(store)


async def test_a_primary_that_became_a_replica_is_not_written_to(own: Process) -> None:
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.execute("REPLICAOF", "127.0.0.1", "1")
            assert (await call_often(store)).answered == 0
            await until(lambda: _reports(store, "is a replica, which takes no writes"))
            own.execute("REPLICAOF", "NO", "ONE")
            await recovered(store)


async def test_a_changed_password_is_reported_as_wrong(own: Process) -> None:
    with running(own):
        async with relaying(own.port) as relay, opened(relay.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.execute("CONFIG", "SET", "requirepass", "changed-meanwhile")
            relay.reset()
            await until(lambda: _reports(store, "refuses the username and password"))
            assert (await call_often(store)).answered == 0
            own.execute("CONFIG", "SET", "requirepass", "", password="changed-meanwhile")
            await recovered(store)


async def test_a_server_that_loads_its_data_is_waited_for(own: Process) -> None:
    own.arguments = ("--key-load-delay", "200", "--loading-process-events-interval-bytes", "1024")
    with running(own):
        own.execute("EVAL", "for i = 1, 100000 do redis.call('SET', i, i) end", "0")
        own.execute("SAVE")
        async with opened(own.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.kill()
            own.start()
            await until(lambda: _reports(store, "is loading its data"))
            assert (await call_often(store)).answered == 0
            own.execute("CONFIG", "SET", "key-load-delay", "0")
            await recovered(store)


async def test_a_full_server_is_reported_and_used_again_when_there_is_room(
    own: Process, caplog: pytest.LogCaptureFixture
) -> None:
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.execute("CONFIG", "SET", "maxmemory", "1000")
            assert (await call_often(store)).answered == 0
            await until(lambda: _reports(store, "is full"))
            assert "\n".join(caplog.messages).count("The Redis server is full") == 1
            own.execute("CONFIG", "SET", "maxmemory", "0")
            await recovered(store)


async def test_a_server_that_forgets_when_it_is_full_is_not_used(own: Process) -> None:
    own.arguments = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            await until(lambda: _reports(store, "set it to noeviction"))


async def test_a_server_that_begins_to_forget_is_no_longer_used(own: Process) -> None:
    with running(own):
        async with opened(own.url, deadline=DEADLINE) as store:
            await recovered(store)
            own.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            own.execute("CONFIG", "SET", "maxmemory", "100mb")
            await until(lambda: _reports(store, "set it to noeviction"))
            assert (await call_often(store)).answered == 0
            own.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
            await recovered(store)


async def test_what_is_no_redis_is_found_out() -> None:
    async with _nonsense() as url, opened(url, deadline=DEADLINE) as store:
        await until(lambda: _reports(store, "does not speak the protocol of Redis"))


async def _reports(store: RedisStore, words: str) -> bool:
    return words in (await store.health() or "")


@asynccontextmanager
async def _nonsense() -> AsyncIterator[str]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
