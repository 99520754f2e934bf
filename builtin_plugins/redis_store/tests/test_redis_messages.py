"""Messages, and what becomes of those who listen when the connection does not hold."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from builtin_plugins.redis_store.tests.callers import PATIENCE, recovered, until
from builtin_plugins.redis_store.tests.redis_servers import Process
from builtin_plugins.redis_store.tests.relay import Relay, relaying

from jackfield_redis_store import opened
from jackfield_redis_store.messages import UNREAD
from jackfield_redis_store.store import RedisStore


@pytest.fixture
async def relay(server: Process) -> AsyncIterator[Relay]:
    async with relaying(server.port) as relay:
        yield relay


@pytest.fixture
async def store(relay: Relay) -> AsyncIterator[RedisStore]:
    async with opened(relay.url, deadline=0.5) as store:
        yield store


@pytest.fixture
async def speaker(server: Process) -> AsyncIterator[RedisStore]:
    async with opened(server.url, deadline=1.0) as store:
        yield store


async def _next(letters: AsyncIterator[bytes | None]) -> bytes | None:
    async with asyncio.timeout(PATIENCE):
        return await anext(letters)


async def test_after_a_broken_connection_a_listener_knows_and_goes_on(
    relay: Relay, store: RedisStore, speaker: RedisStore
) -> None:
    letters = store.listen("c")
    assert await _next(letters) is None
    for number in range(3):
        relay.reset()
        assert await _next(letters) is None
        await speaker.publish("c", b"%d" % number)
        assert await _next(letters) == b"%d" % number


async def test_a_connection_on_which_nothing_comes_any_more_is_given_up(
    relay: Relay, store: RedisStore, speaker: RedisStore
) -> None:
    letters = store.listen("c")
    assert await _next(letters) is None
    relay.mode = "swallow"
    before = relay.connections
    async with asyncio.timeout(PATIENCE):
        while relay.connections == before:  # noqa: ASYNC110 - the store's own connections
            await asyncio.sleep(0.01)
    relay.mode = "pass"
    relay.reset()
    assert await _next(letters) is None
    await recovered(store)
    await speaker.publish("c", b"again")
    assert await _next(letters) == b"again"


async def test_who_does_not_read_learns_that_messages_were_missed(
    store: RedisStore, speaker: RedisStore
) -> None:
    slow, quick = store.listen("c"), store.listen("c")
    assert [await _next(slow), await _next(quick)] == [None, None]
    for number in range(UNREAD + 10):
        await speaker.publish("c", b"%d" % number)
        assert await _next(quick) == b"%d" % number
    assert await _next(slow) is None
    assert await _next(slow) == b"%d" % UNREAD


async def test_a_closed_listener_takes_no_memory(store: RedisStore, speaker: RedisStore) -> None:
    letters = store.listen("c")
    assert await _next(letters) is None
    inboxes = store._subscriptions._inboxes
    assert [len(listening) for listening in inboxes.values()] == [1]
    del letters
    await speaker.publish("c", b"to nobody")
    assert [len(listening) for listening in inboxes.values()] == [0]


async def test_a_user_that_may_not_read_a_channel_is_reported(server: Process) -> None:
    server.execute("ACL", "SETUSER", "deaf", "on", ">made-up", "+@all", "~*", "resetchannels")
    try:
        async with opened(server.url.replace("127", "deaf:made-up@127"), deadline=1.0) as store:
            letters = store.listen("c")
            await until(lambda: _reports(store, "refuses a command to this user"))
            server.execute("ACL", "SETUSER", "deaf", "&*")
            assert await _next(letters) is None
            assert await store.health() is None
    finally:
        server.execute("ACL", "DELUSER", "deaf")


async def _reports(store: RedisStore, words: str) -> bool:
    return words in (await store.health() or "")
