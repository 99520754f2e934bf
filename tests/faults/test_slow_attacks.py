"""A thousand slow connections do not slow down those who behave. Needs slowhttptest."""

import asyncio
import shutil
import time
from pathlib import Path

import aiohttp
import pytest
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, ask, chat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        shutil.which("slowhttptest") is None,
        reason="slowhttptest is not installed: apt-get install slowhttptest",
    ),
]
SECONDS = 12
ALLOWANCE = 0.02


async def slowest(gateway: GatewayProcess, seconds: float) -> float:
    """The 99th percentile of normal requests, one after the other, for that long."""
    times = []
    end = time.monotonic() + seconds
    async with aiohttp.ClientSession(gateway.url) as session:
        while time.monotonic() < end:
            view = await ask(session, PATHS["chat"], chat("same/m"))
            assert view.kind == "success", view
            times.append(view.seconds)
            await asyncio.sleep(0.01)
    times.sort()
    return times[int(len(times) * 0.99)]


@pytest.mark.parametrize("attack", ["-H", "-B", "-X"])
async def test_slow_connections_do_not_slow_down_others(directory: Path, attack: str) -> None:
    async with Faultd() as upstream, serving(directory, config(upstream.base_url)) as gateway:
        await slowest(gateway, 1)
        before = await slowest(gateway, 3)
        options = f"{attack} -c 1000 -r 500 -i 2 -x 10 -l {SECONDS} -p 3 -w 1 -y 8 -n 5 -z 8"
        attacker = await asyncio.create_subprocess_exec(
            *["slowhttptest", *options.split(), "-u", gateway.url + PATHS["chat"]],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        meanwhile = await slowest(gateway, SECONDS)
        await attacker.wait()
    assert meanwhile < 2 * before + ALLOWANCE
