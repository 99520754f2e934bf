"""A cluster: keys where they belong, slots that move, and servers that die."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.callers import recovered, until
from builtin_plugins.redis_store.tests.redis_servers import Process, cluster, running
from redis.crc import key_slot

from jackfield.store import StoreUnavailable
from jackfield_redis_store import opened
from jackfield_redis_store.keys import Keys
from jackfield_redis_store.store import RedisStore

KEYS = Keys("jackfield")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Process]]:
    with cluster("redis-server", tmp_path) as nodes:
        yield nodes


@pytest.fixture
async def store(nodes: list[Process]) -> AsyncIterator[RedisStore]:
    async with opened(nodes[0].url, mode="cluster", deadline=1.0) as store:
        await recovered(store)
        yield store


def _slot(place: bytes) -> int:
    return key_slot(place)


def _holder(nodes: list[Process], slot: int) -> Process:
    """The server that has a slot."""
    return next(node for node in nodes if slot in _slots(node))


def _slots(node: Process) -> range:
    """The slots that a server says to be its own; each has one range in these tests."""
    (own,) = [line for line in node.execute("CLUSTER", "NODES").splitlines() if "myself" in line]
    first, _, last = own.split(" ")[8].partition("-")
    return range(int(first), int(last) + 1)


def _name(node: Process) -> str:
    return node.execute("CLUSTER", "MYID").splitlines()[1]


async def test_values_are_spread_and_the_ledger_is_in_one_place(
    nodes: list[Process], store: RedisStore
) -> None:
    for scope in range(20):
        await store.put(f"tenant-{scope}", "k", b"")
    assert all(node.execute("DBSIZE") != ":0\r\n" for node in nodes)
    ledger = _holder(nodes, _slot(KEYS.born))
    found = [node.execute("KEYS", "*:ledger}*") for node in nodes if node is not ledger]
    assert found == ["*0\r\n"] * 2


async def test_a_key_that_has_moved_is_found_where_it_is(
    nodes: list[Process], store: RedisStore
) -> None:
    await store.put("here", "k", b"1")
    slot = _slot(KEYS.value("here"))
    source = _holder(nodes, slot)
    target = next(node for node in nodes if node is not source)
    target.execute("CLUSTER", "SETSLOT", str(slot), "IMPORTING", _name(source))
    source.execute("CLUSTER", "SETSLOT", str(slot), "MIGRATING", _name(target))
    value = await store.get("here", "k")
    assert value is not None
    assert await store.get("here", "not there") is None
    # A part of what a step needs may be here and a part there: neither can take it.
    with pytest.raises(StoreUnavailable):
        await store.put("here", "new", b"")
    for key in (KEYS.value("here", "k"), KEYS.index("here")):
        words = ("MIGRATE", "127.0.0.1", str(target.port), key.decode(), "0", "1000")
        assert source.execute(*words) == "+OK\r\n"
    for node in (target, source):
        node.execute("CLUSTER", "SETSLOT", str(slot), "NODE", _name(target))
    assert await store.get("here", "k") == value
    assert await store.put("here", "k", b"2", expect=1) == 2


async def test_a_server_of_the_cluster_that_dies_is_found_again(
    nodes: list[Process], store: RedisStore
) -> None:
    ledger = _holder(nodes, _slot(KEYS.born))
    ledger.kill()
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await store.time()
    assert "Redis" in (await store.health() or "")
    ledger.start()
    await recovered(store)


@pytest.mark.slow  # the servers' gossip takes its time, on a busy machine too much of it
async def test_the_successor_of_a_server_of_the_cluster_is_found(
    nodes: list[Process], store: RedisStore, tmp_path: Path
) -> None:
    ledger = _holder(nodes, _slot(KEYS.born))
    replica = Process("redis-server", tmp_path / "replica", ledger.arguments)
    with running(replica):
        replica.execute("CLUSTER", "MEET", "127.0.0.1", str(ledger.port))
        await until(lambda: _becomes_replica(replica, ledger))
        await until(lambda: _all_know(nodes, replica))
        ledger.kill()
        replica.execute("CLUSTER", "FAILOVER", "TAKEOVER")
        await recovered(store)


async def _becomes_replica(node: Process, primary: Process) -> bool:
    replication = node.execute("INFO", "replication")
    if "role:slave" not in replication:
        node.execute("CLUSTER", "REPLICATE", _name(primary))
    return "master_link_status:up" in replication


async def _all_know(nodes: list[Process], replica: Process) -> bool:
    name = _name(replica)
    known = [node.execute("CLUSTER", "NODES").splitlines() for node in nodes]
    return all(any(name in line and " slave " in line for line in lines) for lines in known)


async def test_all_who_listen_hear_what_is_published_anywhere(
    nodes: list[Process], store: RedisStore
) -> None:
    async with opened(nodes[2].url, mode="cluster", deadline=1.0) as other:
        letters = other.listen("c")
        assert await anext(letters) is None
        await store.publish("c", b"1")
        assert await anext(letters) == b"1"
