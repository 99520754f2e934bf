"""What an upstream sends, or a client does not read, never costs much memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, ask, chat
from tests.faults.wires import dawdle, request

MIB = 1 << 20
READERS = 200
PATIENT = {"first_byte": 20.0, "between_events": 20.0, "total": 25.0}


@asynccontextmanager
async def measured(
    directory: Path,
) -> AsyncIterator[tuple[Faultd, GatewayProcess, aiohttp.ClientSession]]:
    """A gateway that has warmed up, and whose peak is measured from now on."""
    async with Faultd() as upstream:
        toml = config(upstream.base_url, timeouts=PATIENT)
        async with (
            serving(directory, toml) as gateway,
            aiohttp.ClientSession(gateway.url) as session,
        ):
            for _ in range(30):
                assert (await ask(session, PATHS["chat"], chat("same/m"))).kind == "success"
            gateway.reset_peak()
            yield upstream, gateway, session


async def growth(
    gateway: GatewayProcess, session: aiohttp.ClientSession, model: str, *, count: int, stream: bool
) -> int:
    """By how many bytes the process grew, at its peak, over `count` such requests at once."""
    before = gateway.resident()
    body = chat(model, stream=stream)
    views = await asyncio.gather(
        *(ask(session, PATHS["chat"], body, limit=25) for _ in range(count))
    )
    assert {view.kind for view in views} <= {"error", "error event"}
    return gateway.peak() - before


@pytest.mark.parametrize(("count", "allowed"), [(1, 32 * MIB), (10, 64 * MIB)])
@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        ("gzip-bomb-512", False),
        pytest.param("gzip-sse-bomb-64", True, marks=pytest.mark.slow),
        ("huge-1024", False),
        pytest.param("huge-declared-1024", False, marks=pytest.mark.slow),
        pytest.param("long-line-20000000", True, marks=pytest.mark.slow),
    ],
)
async def test_an_answer_without_measure_is_cut(
    directory: Path, fault: str, stream: bool, count: int, allowed: int
) -> None:
    async with measured(directory) as (_, gateway, session):
        model = f"same/fault-{fault}"
        grown = await growth(gateway, session, model, count=count, stream=stream)
    assert grown < allowed


@pytest.mark.slow
async def test_clients_that_do_not_read_pause_their_upstreams(directory: Path) -> None:
    body = request(chat("same/fault-big-sse-64", stream=True))
    async with measured(directory) as (upstream, gateway, session):
        before = gateway.resident()
        with ExitStack() as stack:
            for _ in range(READERS):
                stack.enter_context(await dawdle(gateway.port, body))
            await paused(upstream)
            assert (await ask(session, PATHS["chat"], chat("same/m"))).kind == "success"
            assert gateway.peak() - before < 64 * MIB
        await upstream.until(open_connections=1)


async def paused(upstream: Faultd) -> None:
    """Wait until the upstream can send no more to anyone."""
    before, now = -1, 0
    while now != before:
        before = now
        await asyncio.sleep(1)
        now = sum(record.bytes_sent for record in upstream.ledger.records)
