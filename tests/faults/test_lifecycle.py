"""Stopping, reloading and overload, all under load: no request is lost to any of them."""

import asyncio
import re
import signal
import time
from collections import Counter
from pathlib import Path

import aiohttp
from attrs import define, field
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, chat, send
from tests.faults.wires import Wire, request

PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 20.0}
TALLY = "[plugins.tally]\n"
DRAIN = 2


@define(eq=False)
class Load:
    """Clients that ask one short request after the other, each on a connection of its own."""

    gateway: GatewayProcess
    seen: Counter[str] = field(factory=Counter)
    _over: bool = False

    async def run(self) -> None:
        """Send until stopped, or until nobody accepts any more."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(self.gateway.url, connector=connector) as session:
            while not self._over:
                try:
                    async with session.post(PATHS["chat"], json=chat("same/m")) as answer:
                        await answer.read()
                        self.seen[str(answer.status)] += 1
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError as error:
                    self.seen[type(error).__name__] += 1

    def stop(self) -> None:
        """Send no more."""
        self._over = True


async def test_a_stop_under_load_fails_no_short_request(directory: Path) -> None:
    async with Faultd() as upstream:
        server = f"drain_seconds = {DRAIN}"
        toml = config(upstream.base_url, TALLY, server=server, timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            load = Load(gateway)
            clients = [asyncio.create_task(load.run()) for _ in range(8)]
            async with aiohttp.ClientSession(gateway.url) as session:
                streams = [
                    asyncio.create_task(send(session, PATHS["chat"], chat(model, stream=True)))
                    for model in ["same/fault-stall"] * 10 + ["same/fault-slow-sse-100"] * 10
                ]
                await upstream.until(requests=100)
                began = time.monotonic()
                gateway.send(signal.SIGTERM)
                readiness = await unready(gateway)
                code = await gateway.ended()
                took = time.monotonic() - began
                views = await asyncio.gather(*streams)
            await asyncio.gather(*clients)
    assert (readiness, code, set(load.seen)) == (503, 0, {"200"})
    assert {view.kind for view in views} == {"error event"}
    assert b"shutting_down" in views[0].body
    assert b"stream_truncated" in views[-1].body
    assert took < DRAIN + 1
    settled = Counter(re.findall(r"settled (\S+) ", "\n".join(gateway.log)))
    assert set(settled.values()) == {1}
    assert len(settled) == len(upstream.ledger.records)


async def unready(gateway: GatewayProcess) -> int:
    """The status of /ready on a new connection, right after the signal."""
    async with aiohttp.ClientSession(gateway.url) as session:
        while True:
            async with session.get("/ready") as answer:
                if answer.status != 200:
                    return answer.status


async def test_reloads_under_load_fail_no_request(directory: Path) -> None:
    async with Faultd() as upstream:
        good = config(upstream.base_url, TALLY)
        async with serving(directory, good) as gateway:
            load = Load(gateway)
            clients = [asyncio.create_task(load.run()) for _ in range(4)]
            for turn in range(1, 11):
                gateway.config.write_text(good + f"# {turn}\n")
                gateway.send(signal.SIGHUP)
                await gateway.logged("configuration reloaded", turn)
                gateway.config.write_text("[providers.same]\nbase_url = 7\n")
                gateway.send(signal.SIGHUP)
                await gateway.logged("reload refused", turn)
                await upstream.until(requests=len(upstream.ledger.records) + 5)
            load.stop()
            await asyncio.gather(*clients)
    assert set(load.seen) == {"200"}


async def test_a_saved_file_is_taken_up_by_itself(directory: Path) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url)
        async with serving(directory, toml) as gateway:
            alias = chat("nick")
            async with aiohttp.ClientSession(gateway.url) as session:
                assert (await send(session, PATHS["chat"], alias)).status == 404
                gateway.config.write_text(toml + '[models.nick]\ntargets = ["same/m"]\n')
                await gateway.logged("configuration reloaded")
                assert (await send(session, PATHS["chat"], alias)).kind == "success"


async def test_an_old_configuration_finishes_what_it_began_and_ends(directory: Path) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url, TALLY, timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            wire = await Wire.to(gateway.port)
            wire.send(request(chat("same/fault-slow-sse-300", stream=True)))
            await wire.read_until(b"word 0")
            gateway.send(signal.SIGHUP)
            await gateway.logged("configuration reloaded")
            assert b"word 4" in await wire.read_until(b"0\r\n\r\n")
            await wire.leave()
            await upstream.until(open_connections=0)


async def test_what_is_too_much_is_shed_at_once(directory: Path) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url, server="requests_in_flight = 20")
        async with serving(directory, toml) as gateway:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(gateway.url, connector=connector) as session:
                calls = [
                    send(session, PATHS["chat"], chat("same/fault-late-500")) for _ in range(100)
                ]
                views = await asyncio.gather(*calls)
                after = await send(session, PATHS["chat"], chat("same/m"))
    counts = Counter((view.kind, view.status) for view in views)
    assert counts == {("success", 200): 20, ("error", 503): 80}
    assert all("retry-after" in view.headers for view in views if view.status == 503)
    assert after.kind == "success"


async def test_without_file_descriptors_it_refuses_instead_of_spinning(directory: Path) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url)
        async with serving(directory, toml, files=64) as gateway:
            wires = [await Wire.to(gateway.port) for _ in range(100)]
            before = gateway.processor_seconds()
            await asyncio.sleep(1)
            spent = gateway.processor_seconds() - before
            for wire in wires:
                await wire.leave()
            async with aiohttp.ClientSession(gateway.url) as session:
                # Those in the queue when descriptors ran out are dropped; then it recovers.
                while (await send(session, PATHS["chat"], chat("same/m"))).kind != "success":
                    pass
    refused = [line for line in gateway.log if "error=overloaded" in line]
    assert spent < 0.5
    assert 0 < len(refused) <= 100
    assert len(gateway.log) - len(refused) < 50
