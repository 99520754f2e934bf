"""A thousand slow connections do not slow down those who behave. Needs slowhttptest."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import slowdown
from tests.faults.views import PATHS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        shutil.which("slowhttptest") is None,
        reason="slowhttptest is not installed: apt-get install slowhttptest",
    ),
]
CONNECTIONS = 1000


async def attack(gateway: GatewayProcess, kind: str) -> asyncio.subprocess.Process:
    """Begin an attack, and wait until most of its connections are there."""
    options = f"{kind} -c {CONNECTIONS} -r 500 -i 2 -x 10 -l 40 -p 3 -w 1 -y 8 -n 5 -z 8"
    attacker = await asyncio.create_subprocess_exec(
        *["slowhttptest", *options.split(), "-u", gateway.url + PATHS["chat"]],
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    for _ in range(100):
        if gateway.files() > CONNECTIONS * 0.8:
            break
        await asyncio.sleep(0.1)
    return attacker


@pytest.mark.parametrize("kind", ["-H", "-B", "-X"])
async def test_slow_connections_do_not_slow_down_others(
    directory: Path, figures: Figures, kind: str
) -> None:
    row = figures.of(f"slowhttptest {kind}", CONNECTIONS)
    async with Faultd() as upstream:
        toml = config(upstream.base_url)
        async with serving(directory, toml) as calm, serving(directory, toml) as gateway:
            attacker = await attack(gateway, kind)
            connected = gateway.files()
            slower = await slowdown(calm.port, gateway.port)
            assert attacker.returncode is None
            attacker.terminate()
            await attacker.wait()
    row.at_least(CONNECTIONS * 0.8, connected, "connections at the beginning")
    row.at_most(100, slower, "% more p99 for others")
