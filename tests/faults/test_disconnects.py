"""A client that leaves, at whatever moment, stops the upstream at once and is settled once."""

import asyncio
import json
import random
import re
from collections import Counter
from pathlib import Path

from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import chat
from tests.faults.wires import Wire, request

CLIENTS = 300
CLOSED_WITHIN = 0.05
MODELS = (
    ("same/fault-silent", False),
    ("same/fault-slow-sse-100", True),
    ("other/fault-stall", True),
    ("same/fault-sse", True),
)


async def come_and_go(gateway: GatewayProcess, number: int, chance: random.Random) -> float:
    """Ask, leave at a random moment, and say when that was."""
    model, stream = MODELS[number % len(MODELS)]
    await asyncio.sleep(chance.random() * 2)
    wire = await Wire.to(gateway.port)
    body = chat(model, stream=stream, text=str(number))
    wire.send(request(body, request_id=f"leaver-{number}"))
    if model.endswith("fault-sse"):
        await wire.read_until(b"[DONE]")
    else:
        await asyncio.sleep(chance.random() * 0.4)
    return await wire.leave(rudely=bool(number % 2))


async def test_leaving_stops_the_upstream_at_once_and_settles_once(directory: Path) -> None:
    chance = random.Random(20261122)  # noqa: S311 - the same moments each time
    numbers = range(CLIENTS)
    patient = {"first_byte": 9.0, "between_events": 9.0, "total": 9.0}
    async with Faultd() as upstream:
        toml = config(upstream.base_url, "[plugins.tally]\n", timeouts=patient)
        async with serving(directory, toml) as gateway:
            files = gateway.files()
            left = await asyncio.gather(*(come_and_go(gateway, n, chance) for n in numbers))
            await gateway.logged(r"settled leaver-", CLIENTS)
            assert gateway.files() <= files + upstream.ledger.open_connections
        delays = sorted(upstream_delays(upstream, left))
    settled = Counter(re.findall(r"settled (leaver-\d+) ", "\n".join(gateway.log)))
    assert settled == {f"leaver-{number}": 1 for number in numbers}
    assert len(delays) > CLIENTS * 0.6
    assert delays[int(len(delays) * 0.99)] < CLOSED_WITHIN


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
