"""A primary that sentinels watch: it is found, and its successor when it dies."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.callers import recovered, until
from builtin_plugins.redis_store.tests.redis_servers import Process, follow, running

from jackfield.address import Address
from jackfield_redis_store.configured_servers import Servers
from jackfield_redis_store.connections import ConnectionOptions
from jackfield_redis_store.store import RedisStore

PATIENT = 1.0
"""Seconds for an answer: a busy machine is no failure of the server."""
CONFIGURATION = """
sentinel monitor main 127.0.0.1 {port} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
"""


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Process]:
    with running(Process("redis-server", tmp_path / "primary")) as process:
        yield process


@pytest.fixture
def replica(tmp_path: Path, primary: Process) -> Iterator[Process]:
    with running(Process("redis-server", tmp_path / "replica")) as process:
        follow(process, primary)
        yield process


@pytest.fixture
def sentinel(tmp_path: Path, primary: Process) -> Iterator[Process]:
    folder = tmp_path / "sentinel"
    folder.mkdir()
    (folder / "sentinel.conf").write_text(CONFIGURATION.format(port=primary.port))
    with running(Process("redis-server", folder)) as process:
        yield process


def _servers(*sentinels: int, name: str = "main") -> Servers:
    addresses = tuple(Address("127.0.0.1", port) for port in sentinels)
    return Servers(addresses, ConnectionOptions(), "sentinel", name)


@pytest.fixture
async def store(sentinel: Process, replica: Process) -> AsyncIterator[RedisStore]:
    # The first of them is nobody.
    servers = _servers(1, sentinel.port)
    store = servers.store(prefix="jackfield", deadline=PATIENT, recovery=0.0)
    await recovered(store)
    yield store
    await store.close()


async def test_the_successor_of_a_primary_is_found(
    primary: Process, replica: Process, store: RedisStore
) -> None:
    await store.put("s", "k", b"before")
    await until(lambda: _has(replica, "before"))
    primary.kill()
    await recovered(store)
    value = await store.get("s", "k")
    assert (value.data if value else None) == b"before"
    await store.put("s", "k", b"after")
    assert await _has(replica, "after")


async def _has(server: Process, data: str) -> bool:
    return data in server.execute("GET", "{jackfield:values:s}:value:k")


async def test_a_name_that_the_sentinels_do_not_know_is_reported(sentinel: Process) -> None:
    store = _servers(sentinel.port, name="mane").store(
        prefix="jackfield", deadline=PATIENT, recovery=0.0
    )
    problem = await store.settled(2.0)
    await store.close()
    assert problem is not None
    assert problem.reason == "is not known to the sentinels under the name 'mane'"


async def test_sentinels_that_are_all_away_are_reported() -> None:
    store = _servers(1, 2).store(prefix="jackfield", deadline=PATIENT, recovery=0.0)
    problem = await store.settled(2.0)
    await store.close()
    assert problem is not None
    why = "one cannot be reached: Connection refused"
    assert problem.reason == f"cannot be found, for no sentinel says where it is: {why}"
