"""Redis in every bad state: nobody waits, nothing is overspent, all is settled when it is back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from attrs import frozen
from builtin_plugins.redis_store.tests.redis_servers import Process, running
from builtin_plugins.redis_store.tests.relay import Relay, relaying
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import serving
from tests.faults.spending import COST, Callers, Passed, equality, pass_through, spending

from jackfield_redis_store import opened

pytestmark = pytest.mark.timeout(120)
RECOVERY = 1.0
PASSWORD = "not-the-one-configured"


@frozen
class State:
    """How a server gets into a bad state, and out of it again."""

    enter: Callable[[Process, Relay], None]
    leave: Callable[[Process, Relay], None]


def refuse(server: Process, relay: Relay) -> None:
    relay.mode = "refuse"
    relay.reset()


def swallow(server: Process, relay: Relay) -> None:
    relay.mode = "swallow"


def slow_down(server: Process, relay: Relay) -> None:
    relay.delay = 0.5


def let_pass(server: Process, relay: Relay) -> None:
    relay.mode, relay.delay = "pass", 0.0
    relay.reset()


def make_replica(server: Process, relay: Relay) -> None:
    server.execute("REPLICAOF", "127.0.0.1", "1")


def make_primary(server: Process, relay: Relay) -> None:
    server.execute("REPLICAOF", "NO", "ONE")


def flush(server: Process, relay: Relay) -> None:
    server.execute("FLUSHALL")


def want_password(server: Process, relay: Relay) -> None:
    server.execute("CONFIG", "SET", "requirepass", PASSWORD)
    relay.reset()


def want_none(server: Process, relay: Relay) -> None:
    server.execute("CONFIG", "SET", "requirepass", "", password=PASSWORD)


STATES = {
    "down": State(refuse, let_pass),
    "black hole": State(swallow, let_pass),
    "500 ms slow": State(slow_down, let_pass),
    "read-only": State(make_replica, make_primary),
    "flushed": State(flush, let_pass),
    "wrong password": State(want_password, want_none),
}


def table(relay: Relay) -> str:
    return f'[plugins.redis_store]\nurl = "{relay.url}"\nrecovery_seconds = {RECOVERY}\n'


async def try_state(folder: Path, state: State, count: int) -> Passed:
    """What becomes of requests in a state, under a limit of as many as are sent in it."""
    with running(Process("redis-server", folder / "redis")) as server:
        async with (
            Faultd() as upstream,
            relaying(server.port) as relay,
            serving(folder, spending(upstream, COST * count, table(relay))) as gateway,
            opened(server.url, deadline=1.0) as store,
        ):
            change = (partial(state.enter, server, relay), partial(state.leave, server, relay))
            callers, meanwhile = await pass_through(gateway, count, *change)
            off = await equality(store, upstream) - COST * count
    return Passed(callers, meanwhile, off)


@pytest.mark.parametrize("name", STATES)
async def test_no_state_of_redis_makes_a_request_hang_or_a_budget_wrong(
    directory: Path, name: str
) -> None:
    passed = await try_state(directory, STATES[name], 60)
    passed.check()


async def test_a_gateway_starts_without_redis_and_serves_when_it_is_there(directory: Path) -> None:
    with running(Process("redis-server", directory / "redis")) as server:
        async with Faultd() as upstream, relaying(server.port) as relay:
            refuse(server, relay)
            async with serving(directory, spending(upstream, 10_000, table(relay))) as gateway:
                callers = Callers(gateway)
                away = await callers.send(20)
                assert {view.status for view in away} == {503}
                assert not upstream.ledger.records
                let_pass(server, relay)
                await callers.until(200)
                assert (callers.hanging, callers.odd) == (0, [])


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", STATES)
async def test_two_thousand_requests_in_every_state_of_redis(
    directory: Path, figures: Figures, name: str
) -> None:
    passed = await try_state(directory, STATES[name], 2_000)
    passed.judge(figures.of(f"Redis {name}", 2_000))
