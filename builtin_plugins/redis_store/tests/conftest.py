"""Servers that the tests of this room share: one of a kind for all, emptied before each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.redis_servers import Process, cluster, running

from jackfield.testing.stores import Site

KINDS = ("redis", "valkey", "cluster")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One Redis for all tests that do it no harm."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with running(Process("redis-server", folder)) as process:
        yield process


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Process]]:
    """All servers of a kind."""
    folder: Path = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        if request.param == "cluster":
            yield stack.enter_context(cluster("redis-server", folder))
        else:
            yield [stack.enter_context(running(Process(f"{request.param}-server", folder)))]


@pytest.fixture
def site(servers: list[Process]) -> Site:
    """Empty servers, and how to open a store on them."""
    for server in servers:
        server.execute("FLUSHALL")
    # A busy machine is no failure of the store.
    options = {"deadline": 2.0, "mode": "cluster" if len(servers) > 1 else "standalone"}
    return Site("jackfield_redis_store:opened", servers[0].url, options)
