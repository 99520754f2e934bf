"""What every store promises, kept on Redis, on Valkey and on a cluster."""

import pytest
from builtin_plugins.redis_store.tests.conftest import KINDS
from builtin_plugins.redis_store.tests.redis_servers import Process

from jackfield.testing.stores import PROMISES, Promise, Site
from jackfield.testing.stores.machine import compare_with_model
from jackfield.testing.stores.processes import PROCESSES

each_kind = pytest.mark.parametrize("servers", KINDS, indirect=True)


# Other processes take seconds to start: in the usual run they meet Redis alone.
trials = [
    pytest.param(
        kind,
        promise,
        id=f"{promise.__name__}-{kind}",
        marks=[pytest.mark.slow] if promise in PROCESSES and kind != "redis" else [],
    )
    for kind in KINDS
    for promise in PROMISES
]


@pytest.mark.parametrize(("servers", "promise"), trials, indirect=["servers"])
async def test_the_store_keeps(promise: Promise, site: Site) -> None:
    await promise(site)


@each_kind
def test_the_store_agrees_with_the_model(servers: list[Process], site: Site) -> None:
    def new_site() -> Site:
        for server in servers:
            server.ask("FLUSHALL")
        return site

    compare_with_model(new_site, histories=30)
