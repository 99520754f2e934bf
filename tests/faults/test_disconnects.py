"""A client that leaves, at whatever moment, stops the upstream at once and is settled once."""

import asyncio
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from attrs import frozen
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import percentile
from tests.faults.views import PATHS, REQUESTS, chat
from tests.faults.wires import Wire, request

A_SECOND = 150
A_FEW = 3
CLOSED_WITHIN = 0.05
PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 9.0}
MODELS = (
    ("chat", "same/fault-silent", False),
    ("chat", "same/fault-slow-sse-100", True),
    ("responses", "other/fault-stall", True),
    ("chat", "same/fault-sse", True),
    ("responses", "other/fault-paced-sse-100", True),
)
LEAVING = [
    (one, rudely) for one in MODELS if one[1] != "same/fault-sse" for rudely in (False, True)
]
WAYS = {"from socket to socket": "", "past a plugin": "[plugins.onlooker]\n"}
READY = b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n"


@frozen
class Leavers:
    """When each client left, and what the upstream and the log say of them."""

    left: list[float]
    delays: list[float]
    settled: Counter[str]
    files: int

    def unsettled(self) -> int:
        """How many exchanges were not settled exactly once."""
        return sum(self.settled[f"leaver-{number}"] != 1 for number in range(len(self.left)))


async def connect_and_leave(
    gateway: GatewayProcess, number: int, moment: float, wait: float
) -> float:
    """Ask at a moment, leave after a while, and say when that was."""
    dialect, model, stream = MODELS[number % len(MODELS)]
    await asyncio.sleep(moment)
    wire = await Wire.to(gateway.port)
    body = REQUESTS[dialect](model, stream=stream, text=str(number))
    wire.send(request(body, request_id=f"leaver-{number}", path=PATHS[dialect]))
    if model.endswith("fault-sse"):
        await wire.read_until(b"[DONE]")
    else:
        await asyncio.sleep(wait)
    return await wire.leave(rudely=bool(number % 2))


async def all_leave(directory: Path, way: str, count: int) -> Leavers:
    """Have so many clients leave at random moments."""
    chance = random.Random(20261122)  # noqa: S311 - the same moments each time
    async with Faultd() as upstream:
        toml = config(upstream.base_url, "[plugins.tally]\n", WAYS[way], timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            files = gateway.files()
            going = [
                connect_and_leave(
                    gateway, n, chance.random() * count / A_SECOND, chance.random() * 0.4
                )
                for n in range(count)
            ]
            left = await asyncio.gather(*going)
            await gateway.logged(r"settled leaver-", count)
            over = await open_after(gateway, files + upstream.ledger.open_connections)
    settled = Counter(re.findall(r"settled (leaver-\d+) ", "\n".join(gateway.log)))
    return Leavers(left, upstream_delays(upstream, left), settled, over)


async def open_after(gateway: GatewayProcess, expected: int) -> int:
    """How many files more than expected are open, after 5 seconds at most."""
    for _ in range(100):
        if gateway.files() <= expected:
            break
        await asyncio.sleep(0.05)
    return max(0, gateway.files() - expected)


async def test_leaving_stops_the_upstream_and_settles_once(directory: Path) -> None:
    seen = await all_leave(directory, "from socket to socket", 300)
    assert seen.unsettled() == 0
    assert seen.files == 0
    assert len(seen.delays) > 300 * 0.6


@pytest.mark.parametrize("way", WAYS)
async def test_the_upstream_is_stopped_before_others_get_a_few_answers(
    directory: Path, way: str
) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url, WAYS[way], timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            other = await Wire.to(gateway.port)
            for count, ((dialect, model, stream), rudely) in enumerate(LEAVING, 1):
                wire = await Wire.to(gateway.port)
                wire.send(request(REQUESTS[dialect](model, stream=stream), path=PATHS[dialect]))
                await upstream.until(requests=count)
                await wire.leave(rudely=rudely)
                # Counted in answers, for a busy machine makes all of them late.
                for _ in range(A_FEW):
                    assert (await other.request(READY)).status == 200
                assert upstream.ledger.open_connections == 0
            await other.leave()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_thousands_may_leave_at_any_moment(
    directory: Path, figures: Figures, way: str
) -> None:
    seen = await all_leave(directory, way, 2000)
    row = figures.of(f"client leaves, {way}", 2000)
    row.at_least(2000 * 0.6, len(seen.delays), "of them while the upstream was at work")
    row.at_most(0, seen.unsettled(), "exchanges not settled exactly once")
    row.at_most(0, seen.files, "sockets leaked")
    row.at_most(
        CLOSED_WITHIN * 1000, percentile(seen.delays, 0.99) * 1000, "ms p99 to the upstream"
    )


def upstream_delays(upstream: Faultd, left: list[float]) -> list[float]:
    """By how much the upstream's connection outlived the client's, for those that were cut."""
    delays = []
    for record in upstream.ledger.records:
        number = int(json.loads(record.body)["messages"][0]["content"])
        if record.fault != "sse":
            assert record.client_closed is not None, number
            delays.append(record.client_closed - left[number])
    return delays


async def test_no_task_outlives_its_exchange(directory: Path) -> None:
    stalling = request(chat("same/fault-stall", stream=True))
    async with Faultd() as upstream:
        toml = config(upstream.base_url, "[plugins.crowd]\n")
        async with serving(directory, toml) as gateway:
            for _ in range(3):
                wires = [await Wire.to(gateway.port) for _ in range(50)]
                for wire in wires:
                    wire.send(stalling)
                for wire in wires:
                    await wire.read_until(b"data: ")
                    await wire.leave(rudely=True)
                await upstream.until(open_connections=0)
            lone = await Wire.to(gateway.port)
            lone.send(request(chat("same/m")))
            await lone.read_until(b"}}")
            await lone.leave()
        counts = [int(n) for n in re.findall(r"tasks (\d+)", "\n".join(gateway.log))]
    assert counts[-1] < 10 < max(counts)
