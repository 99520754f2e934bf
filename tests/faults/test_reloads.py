"""Reloaded again and again under load, the gateway fails no request and mixes no configurations."""

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest
from attrs import define
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, provider, serving
from tests.faults.load import Steady
from tests.faults.views import chat
from tests.faults.wires import request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RELOADS = 200
RATE = 300
FIRST_FEW = 10
"""Pairs of reloads after which memory should have found its level."""
BETWEEN = 15
"""Requests from one reload to the next."""
WRONG = [
    "[providers",
    "[server]\nworkers = 0\n",
    "[plugins.nobody]\n",
    "[plugins.raises-at-start]\n",
]
"""No TOML, a wrong value, a plugin that is not there, and one that cannot start."""


def numbered(base_url: str, number: int) -> str:
    """A configuration whose number shows in the upstream's path, in the model and in a plugin."""
    tables = [
        provider("numbered", f"{base_url}/{number}"),
        f'[models.now]\ntargets = ["numbered/m-{number}"]\n',
        f"[plugins.stamp]\nnumber = {number}\n",
        "[plugins.tally]\n" * (number % 2),
    ]
    return config(base_url, *tables)


async def reload_all(gateway: GatewayProcess, upstream: Faultd) -> list[int]:
    """Reload a valid file and an invalid one in turn; the memory after each pair."""
    resident = []
    for turn in range(1, RELOADS // 2 + 1):
        good = numbered(upstream.base_url, turn)
        for text, message in (
            (good, "configuration reloaded"),
            (wrong(good, turn), "reload refused"),
        ):
            save(gateway.config, text)
            gateway.send(signal.SIGHUP)
            await gateway.logged(message, turn)
            await upstream.until(requests=len(upstream.ledger.records) + BETWEEN)
        resident.append(gateway.resident())
    return resident


def save(path: Path, text: str) -> None:
    """Write a file as editors do: nobody reads half of it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def wrong(good: str, turn: int) -> str:
    """A file that cannot be used, of another kind each time."""
    return good.replace("[server]", WRONG[turn % len(WRONG)] + "[server]", 1)


def mixed(gateway: GatewayProcess, upstream: Faultd) -> int:
    """How many requests saw more than one configuration."""
    stamps = {
        match[1]: {match[2], match[3]}
        for line in gateway.log
        if (match := re.search(r"stamped (\S+) (\d+) (\d+)", line))
    }
    seen = []
    for record in upstream.ledger.records:
        body = json.loads(record.body)
        numbers = {record.path.split("/")[1], body["model"].removeprefix("m-")}
        seen.append(numbers | stamps[body["messages"][0]["content"]])
    return sum(len(numbers) != 1 for numbers in seen)


def numbered_request(number: int) -> bytes:
    """A request that the upstream and the log know by the same name."""
    return request(chat("now", text=f"number-{number}"), request_id=f"number-{number}")


@define(eq=False)
class Reloads:
    """What was seen of all reloads: the load, requests that saw two configurations, the memory."""

    load: Steady
    mixed: int
    resident: list[int]


async def under_load(directory: Path) -> Reloads:
    """Reload under load."""
    async with Faultd() as upstream:
        async with serving(directory, numbered(upstream.base_url, 0)) as gateway:
            load = Steady(gateway.port, RATE, numbered_request, reuse=True)
            asking = asyncio.create_task(load.run())
            resident = await reload_all(gateway, upstream)
            load.stop()
            await asking
        return Reloads(load, mixed(gateway, upstream), resident)


async def test_reloads_under_load_fail_no_request_and_mix_nothing(
    directory: Path, figures: Figures
) -> None:
    row = figures.of("reload under load", RELOADS)
    seen = await under_load(directory)
    row.at_least(RELOADS * BETWEEN, len(seen.load.views), "requests answered")
    row.at_most(0, len(seen.load.failed()), "requests that failed")
    row.at_most(0, seen.mixed, "requests that saw two configurations")


async def test_reloads_do_not_make_memory_grow(directory: Path, figures: Figures) -> None:
    row = figures.of("reload under load", RELOADS)
    resident = (await under_load(directory)).resident[FIRST_FEW:]
    row.at_most(5.0, (max(resident) / resident[0] - 1) * 100, "% that memory grew after the first")
