"""Redis in every bad state: nobody waits, nothing is overspent, and all is told when it is back."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen
from builtin_plugins.redis_store.tests.redis_servers import Process, running
from builtin_plugins.redis_store.tests.relay import Relay, relaying
from tests.faults.bars import Bars, Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import serving
from tests.faults.load import percentile
from tests.faults.spending import COST, Callers, equal, spending, spent

from jackfield_redis_store.opening import opened

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
    server.ask("REPLICAOF", "127.0.0.1", "1")


def make_primary(server: Process, relay: Relay) -> None:
    server.ask("REPLICAOF", "NO", "ONE")


def flush(server: Process, relay: Relay) -> None:
    server.ask("FLUSHALL")


def want_password(server: Process, relay: Relay) -> None:
    server.ask("CONFIG", "SET", "requirepass", PASSWORD)
    relay.reset()


def want_none(server: Process, relay: Relay) -> None:
    server.ask("CONFIG", "SET", "requirepass", "", password=PASSWORD)


STATES = {
    "down": State(refuse, let_pass),
    "black hole": State(swallow, let_pass),
    "500 ms slow": State(slow_down, let_pass),
    "read-only": State(make_replica, make_primary),
    "flushed": State(flush, let_pass),
    "wrong password": State(want_password, want_none),
}


@frozen
class Passed:
    """What has been seen of a server in a bad state."""

    callers: Callers
    meanwhile: list[float]
    over: int


def table(relay: Relay) -> str:
    return f'[plugins.redis_store]\nurl = "{relay.url}"\nrecovery_seconds = {RECOVERY}\n'


async def pass_through(folder: Path, state: State, count: int) -> Passed:
    """Ask before, in and after a state; come back when the store says what the upstream bills."""
    limit = COST * count + 500
    with running(Process("redis-server", folder / "redis")) as server:
        async with Faultd() as upstream, relaying(server.port) as relay:
            async with serving(folder, spending(upstream, limit, table(relay))) as gateway:
                callers = Callers(gateway)
                await callers.until_served()
                await callers.ask(count // 4)
                state.enter(server, relay)
                meanwhile = await callers.ask(count)
                state.leave(server, relay)
                await callers.until_served()
                await callers.ask(count // 4)
                async with opened(server.url, deadline=1.0) as store:
                    while not await equal(store, upstream):  # noqa: ASYNC110 - others make it true
                        await asyncio.sleep(0.05)
                    over = max(0, await spent(store) - limit)
    return Passed(callers, [view.seconds for view in meanwhile], over)


@pytest.mark.parametrize("name", STATES)
async def test_no_state_of_redis_makes_a_request_hang_or_a_budget_wrong(
    directory: Path, name: str
) -> None:
    passed = await pass_through(directory, STATES[name], 60)
    assert (passed.callers.hanging, passed.callers.odd, passed.over) == (0, [], 0)


@pytest.mark.xfail(reason="a gateway that declares budgets does not start", strict=True)
async def test_a_gateway_starts_without_redis_and_serves_when_it_is_there(directory: Path) -> None:
    with running(Process("redis-server", directory / "redis")) as server:
        async with Faultd() as upstream, relaying(server.port) as relay:
            refuse(server, relay)
            async with serving(directory, spending(upstream, 10_000, table(relay))) as gateway:
                callers = Callers(gateway)
                away = await callers.ask(20)
                assert {view.status for view in away} == {503}
                assert not upstream.ledger.records
                let_pass(server, relay)
                await callers.until_served()
                assert (callers.hanging, callers.odd) == (0, [])


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", STATES)
async def test_two_thousand_requests_in_every_state_of_redis(
    directory: Path, figures: Figures, name: str
) -> None:
    row: Bars = figures.of(f"Redis {name}", 2_000)
    passed = await pass_through(directory, STATES[name], 2_000)
    row.at_most(0, passed.callers.hanging, "requests that hang")
    row.at_most(0, len(passed.callers.odd), "answers that are no answer")
    row.at_most(0, passed.over, "tokens overspent")
    row.at_most(60, percentile(passed.meanwhile, 0.99) * 1000, "ms p99 meanwhile")
