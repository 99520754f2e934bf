"""Clients that hardly read cost little memory, do not slow down others, and are cut in time."""

import asyncio
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import slowdown
from tests.faults.views import chat
from tests.faults.wires import dawdle, request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
MIB = 1 << 20
READERS = 200
WRITE_SECONDS = 30
"""The server's own limit for clients that do not read."""
PATIENT = {"first_byte": 20.0, "between_events": 90.0, "total": 120.0}
WAYS = {"from socket to socket": "", "past a plugin": "[plugins.onlooker]\n"}


async def trickle(readers: list[socket.socket]) -> None:
    """Read a byte a second of each."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(1)
        for one in readers:
            await loop.sock_recv(one, 1)


async def paused(upstream: Faultd) -> None:
    """Wait until the upstream can send no more to anyone."""
    before, now = -1, 0
    while now != before:
        before = now
        await asyncio.sleep(1)
        now = sum(record.bytes_sent for record in upstream.ledger.records)


async def grown(gateway: GatewayProcess, upstream: Faultd, readers: list[socket.socket]) -> int:
    """By how many bytes the gateway has grown since, once all readers are behind."""
    before = gateway.resident()
    gateway.reset_peak()
    body = request(chat("same/fault-big-sse-64", stream=True))
    readers += [await dawdle(gateway.port, body) for _ in range(READERS)]
    await paused(upstream)
    return gateway.peak() - before


@pytest.mark.parametrize("way", WAYS)
async def test_slow_readers_are_paused_harmless_and_cut(
    directory: Path, figures: Figures, way: str
) -> None:
    row = figures.of(f"slow readers, {way}", READERS)
    async with Faultd() as upstream:
        toml = config(upstream.base_url, WAYS[way], timeouts=PATIENT)
        async with serving(directory, toml) as calm, serving(directory, toml) as gateway:
            readers: list[socket.socket] = []
            with ExitStack() as stack:
                memory = await grown(gateway, upstream, readers)
                behind = time.monotonic()
                for one in readers:
                    stack.enter_context(one)
                reading = asyncio.create_task(trickle(readers))
                row.at_most(64, memory / MIB, "MiB more in memory")
                slower = await slowdown(calm.port, gateway.port)
                row.at_most(20, slower, "% more p99 for others")
                await upstream.until(open_connections=2)
                row.at_most(WRITE_SECONDS + 1, time.monotonic() - behind, "s until all were cut")
                reading.cancel()
