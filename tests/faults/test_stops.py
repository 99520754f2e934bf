"""Stopped again and again under load, the gateway fails no short request and settles everything."""

import asyncio
import re
import signal
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from attrs import define, field
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import Steady
from tests.faults.views import PATHS, View, chat, send

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CYCLES = 20
LANES = 2
RATE = 50
STREAMS = 50
DRAIN = 2.0
PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 20.0}
SERVER = f"drain_seconds = {DRAIN}"


@define(eq=False)
class Stops:
    """What all stops together have shown."""

    short: int = 0
    failed: list[str] = field(factory=list)
    lost: int = 0
    unreported: int = 0
    unsettled: int = 0
    codes: set[int] = field(factory=set)
    slowest: float = 0.0

    async def cycle(self, directory: Path) -> None:
        """Start, load, stop."""
        async with Faultd() as upstream:
            toml = config(upstream.base_url, "[plugins.tally]\n", server=SERVER, timeouts=PATIENT)
            async with serving(directory, toml) as gateway:
                load = Steady(gateway.port, RATE)
                asking = asyncio.create_task(load.run())
                streams = asyncio.create_task(stream(gateway))
                await upstream.until(requests=STREAMS + RATE)
                await self._stop(gateway)
                load.stop()
                await asking
                self._count(gateway, upstream, load, await streams)

    async def _stop(self, gateway: GatewayProcess) -> None:
        began = time.monotonic()
        gateway.send(signal.SIGTERM)
        self.codes.add(await gateway.ended())
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _count(
        self, gateway: GatewayProcess, upstream: Faultd, load: Steady, streams: list[View]
    ) -> None:
        self.short += len(load.views)
        self.failed += load.failed()
        self.lost += sum(view.kind != "success" for view in streams[::2])
        self.unreported += sum(b"shutting_down" not in view.body for view in streams[1::2])
        settled = Counter(re.findall(r"settled (\S+) ", "\n".join(gateway.log)))
        self.unsettled += abs(len(upstream.ledger.records) - len(settled))
        self.unsettled += sum(count != 1 for count in settled.values())


async def stream(gateway: GatewayProcess) -> list[View]:
    """Streams of a second and a half, by turns with ones that do not."""
    models = ["same/fault-paced-sse-150", "same/fault-stall"] * (STREAMS // 2)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(gateway.url, connector=connector) as session:
        calls = [send(session, PATHS["chat"], chat(model, stream=True)) for model in models]
        return await asyncio.gather(*calls)


async def test_stops_under_load_fail_no_short_request(directory: Path, figures: Figures) -> None:
    stops = Stops()

    async def lane(name: str) -> None:
        (directory / name).mkdir()
        for _ in range(CYCLES // LANES):
            await stops.cycle(directory / name)

    await asyncio.gather(*(lane(str(number)) for number in range(LANES)))
    row = figures.of("SIGTERM under load", CYCLES)
    row.at_least(CYCLES * RATE / 2, stops.short, "short requests answered")
    row.at_most(0, len(stops.failed), "short requests that failed")
    row.at_most(0, stops.lost, "streams that could end but did not")
    row.at_most(0, stops.unreported, "endless streams without an error at the stop")
    row.at_most(0, stops.unsettled, "exchanges not settled exactly once")
    row.at_most(DRAIN + 1, stops.slowest, "s until the last exit")
    assert stops.codes == {0}
