"""Asked for five times what it can do, the gateway sheds the rest at once and goes on working."""

import asyncio
import time
from pathlib import Path

import pytest
from attrs import define
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import SHORT, Steady, percentile
from tests.faults.views import chat
from tests.faults.wires import Wire, request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
AT_ONCE = 20
FILES = 256
IDLE = 100
"""Connections that only take up files."""
SECONDS = 6
WORK = request(chat("same/fault-late-200"))
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def peak_of(gateway: GatewayProcess) -> float:
    """How many requests a second it answers when it is never idle and never overloaded."""
    end = time.monotonic() + SECONDS / 2
    done = 0

    async def client() -> None:
        nonlocal done
        wire = await Wire.to(gateway.port)
        while time.monotonic() < end:
            assert (await wire.request(WORK)).status == 200
            done += 1
        await wire.leave()

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return done / (SECONDS / 2)


async def watch_health(gateway: GatewayProcess, load: asyncio.Task[None]) -> list[int]:
    """The statuses of /health while the load lasts."""
    wire = await Wire.to(gateway.port)
    found = []
    while not load.done():
        found.append((await wire.request(HEALTH)).status)
        await asyncio.sleep(0.05)
    await wire.leave()
    return found


async def recovery(gateway: GatewayProcess) -> float:
    """Seconds until twenty requests in a row are answered."""
    began = time.monotonic()
    good = 0
    while good < 20:
        wire = await Wire.to(gateway.port)
        good = good + 1 if (await wire.request(SHORT)).kind == "success" else 0
        await wire.leave()
    return time.monotonic() - began


@define(eq=False)
class Overload:
    """What was seen of it."""

    peak: float
    load: Steady
    health: list[int]
    recovered: float
    processor: float


async def overload(directory: Path) -> Overload:
    """Find the peak, ask for five times as much, and see how soon all is well again."""
    async with Faultd() as upstream:
        server = f"requests_in_flight = {AT_ONCE}"
        toml = config(upstream.base_url, server=server)
        async with serving(directory, toml, files=FILES) as gateway:
            idle = [await Wire.to(gateway.port) for _ in range(IDLE)]
            peak = await peak_of(gateway)
            load = Steady(gateway.port, 5 * peak, lambda _: WORK)
            before = gateway.processor_seconds()
            asking = asyncio.create_task(load.run(SECONDS))
            health = await watch_health(gateway, asking)
            spent = (gateway.processor_seconds() - before) / SECONDS
            recovered = await recovery(gateway)
            for wire in idle:
                await wire.leave()
    assert not [line for line in gateway.log if "Too many open files" in line]
    return Overload(peak, load, health, recovered, spent)


async def test_five_times_the_capacity_is_shed_and_survived(
    directory: Path, figures: Figures
) -> None:
    seen = await overload(directory)
    views = seen.load.views.values()
    shed = [view.seconds * 1000 for view in views if view.status == 503]
    goodput = sum(view.status == 200 for view in views) / SECONDS
    row = figures.of("five times the capacity", len(views))
    row.at_most(0, len(seen.load.broken), "requests without an answer")
    row.at_least(80, goodput / seen.peak * 100, "% of the peak still answered")
    row.at_most(5, percentile(shed, 0.5), "ms until a 503, median")
    row.at_most(5, percentile(shed, 0.99), "ms until a 503, p99")
    row.at_most(0, len(seen.health) - seen.health.count(200), "/health answers other than 200")
    row.at_most(5, seen.recovered, "s until twenty in a row were answered")
