"""An upstream that says nothing, or too little too slowly, is given up in time, without a trace."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, View, chat, send

pytestmark = pytest.mark.slow
SILENT = 200
FIRST_BYTE = 2.0
DRIPS = 100
DEADLINES = {"first_byte": 2.0, "between_events": 2.0, "total": 5.0}
LIMITS = {"drip": 2.0, "drip-head": 2.0, "drip-json": 5.0}
"""After how long each is cut: bytes of a whole answer are progress, those of one event are not."""


async def send_all(gateway: GatewayProcess, faults: list[str], *, stream: bool) -> list[View]:
    """Ask for all of these faults at once."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(gateway.url, connector=connector) as session:
        calls = [
            send(session, PATHS["chat"], chat(f"same/fault-{f}", stream=stream)) for f in faults
        ]
        return await asyncio.gather(*calls)


async def leaked(gateway: GatewayProcess, before: int) -> int:
    """How many files are open more than before, after 5 seconds at most."""
    for _ in range(100):
        if gateway.files() <= before:
            break
        await asyncio.sleep(0.05)
    return gateway.files() - before


@pytest.mark.parametrize("stream", [False, True])
async def test_upstreams_that_never_answer_are_given_up_without_a_trace(
    directory: Path, figures: Figures, stream: bool
) -> None:
    row = figures.of("upstream never answers", SILENT)
    async with Faultd() as upstream:
        toml = config(upstream.base_url, timeouts=DEADLINES)
        async with serving(directory, toml) as gateway:
            before = gateway.files()
            faults = ["silent", "half-open"] * (SILENT // 2)
            views = await send_all(gateway, faults, stream=stream)
            left = await leaked(gateway, before)
    row.at_most(0, sum(view.status != 504 for view in views), "answers other than 504")
    row.at_most(FIRST_BYTE + 1, max(view.seconds for view in views), "s until the last answer")
    row.at_most(0, left, "sockets leaked after 5 s")


@pytest.mark.parametrize("fault", LIMITS)
async def test_every_drip_is_cut_soon_after_its_deadline(
    directory: Path, figures: Figures, fault: str
) -> None:
    row = figures.of(f"upstream drips: {fault}", DRIPS)
    async with Faultd() as upstream:
        toml = config(upstream.base_url, timeouts=DEADLINES)
        async with serving(directory, toml) as gateway:
            stream = fault != "drip-json"
            views = await send_all(gateway, [f"{fault}-500"] * DRIPS, stream=stream)
            await upstream.until(open_connections=0)
    row.at_most(0, sum(view.kind not in ("error", "error event") for view in views), "untold")
    row.at_most(LIMITS[fault] + 1, max(view.seconds for view in views), "s until the last was cut")
