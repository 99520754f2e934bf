"""What an upstream sends never costs much memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, chat, send

MIB = 1 << 20
PATIENT = {"first_byte": 20.0, "between_events": 20.0, "total": 25.0}


@asynccontextmanager
async def measured(
    directory: Path,
) -> AsyncIterator[tuple[GatewayProcess, aiohttp.ClientSession]]:
    """A gateway that has warmed up, and whose peak is measured from now on."""
    async with Faultd() as upstream:
        toml = config(upstream.base_url, timeouts=PATIENT)
        async with (
            serving(directory, toml) as gateway,
            aiohttp.ClientSession(gateway.url) as session,
        ):
            for _ in range(30):
                assert (await send(session, PATHS["chat"], chat("same/m"))).kind == "success"
            gateway.reset_peak()
            yield gateway, session


async def growth(
    gateway: GatewayProcess, session: aiohttp.ClientSession, model: str, *, count: int, stream: bool
) -> int:
    """By how many bytes the process grew, at its peak, over `count` such requests at once."""
    before = gateway.resident()
    body = chat(model, stream=stream)
    views = await asyncio.gather(
        *(send(session, PATHS["chat"], body, limit=25) for _ in range(count))
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
    directory: Path, figures: Figures, fault: str, stream: bool, count: int, allowed: int
) -> None:
    async with measured(directory) as (gateway, session):
        model = f"same/fault-{fault}"
        grown = await growth(gateway, session, model, count=count, stream=stream)
    row = figures.of(fault, count)
    row.at_most(allowed / MIB, grown / MIB, "MiB more in memory, at the peak")
