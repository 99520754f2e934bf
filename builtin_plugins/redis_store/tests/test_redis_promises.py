"""What every store promises, kept on Redis, on Valkey and on a cluster."""

import pytest
from builtin_plugins.redis_store.tests.conftest import KINDS
from builtin_plugins.redis_store.tests.redis_servers import Process

from jackfield.testing.stores import PROMISES, Promise, Site
from jackfield.testing.stores.machine import compare_with_model

pytestmark = pytest.mark.timeout(120)


def marks_of(kind: str) -> list[pytest.MarkDecorator]:
    return [] if kind == "redis" else [pytest.mark.slow]


# The usual run has one kind of server; `-m slow` adds Valkey and a cluster.
trials = [
    pytest.param(kind, promise, id=f"{promise.__name__}-{kind}", marks=marks_of(kind))
    for kind in KINDS
    for promise in PROMISES
]


@pytest.mark.parametrize(("servers", "promise"), trials, indirect=["servers"])
async def test_the_store_keeps(promise: Promise, site: Site) -> None:
    await promise(site)


@pytest.mark.parametrize(
    "servers", [pytest.param(kind, marks=marks_of(kind)) for kind in KINDS], indirect=True
)
def test_the_store_agrees_with_the_model(servers: list[Process], site: Site) -> None:
    def new_site() -> Site:
        for server in servers:
            server.execute("FLUSHALL")
        return site

    compare_with_model(new_site, histories=30)
