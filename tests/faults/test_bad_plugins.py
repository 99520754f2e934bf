"""A plugin that fails does what its policy says, to its own requests alone, and is named."""

from pathlib import Path

import aiohttp
import pytest
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.views import PATHS, View, chat, send
from tests.faults.wires import Wire

TROUBLE = {
    "raises-at-import": "RuntimeError",
    "needs-what-is-missing": "a_module_that_is_not_installed",
    "leaves-at-import": "SystemExit",
    "has-no-such-class": "AttributeError",
    "is-no-plugin": "not a subclass",
    "needs-another-kernel": ">=99",
}


def table(name: str, use: str, **keys: str) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join([f"[plugins.{name}]", f'use = "{use}"', *lines, ""])


def gateway_of(directory: Path, *tables: str) -> GatewayProcess:
    path = directory / "jackfield.toml"
    path.write_text(config("http://127.0.0.1:9", *tables))
    return GatewayProcess(path)


async def send_once(gateway: GatewayProcess, model: str) -> View:
    async with aiohttp.ClientSession(gateway.url) as session:
        return await send(session, PATHS["chat"], chat(model, stream=True))


@pytest.mark.parametrize("hook", ["pre_request", "on_stream_chunk", "post_response"])
async def test_a_plugin_that_blocks_the_loop_is_named(directory: Path, hook: str) -> None:
    async with Faultd() as upstream:
        toml = config(upstream.base_url, table("slow", "blocker", hook=f'"{hook}"'))
        async with serving(directory, toml) as gateway:
            await send_once(gateway, "same/block")
            assert await gateway.logged("has been blocked .* by plugin slow")


@pytest.mark.parametrize(("use", "message"), TROUBLE.items())
async def test_a_plugin_that_cannot_be_loaded_stops_the_start(
    directory: Path, use: str, message: str
) -> None:
    gateway = gateway_of(directory, table("bad", use))
    await gateway.launch()
    assert await gateway.ended() == 2
    assert [message in line and "bad" in line for line in gateway.log] == [True], gateway.log


async def test_a_plugin_that_cannot_start_stops_the_start(directory: Path) -> None:
    gateway = gateway_of(directory, table("bad", "raises-at-start"))
    await gateway.launch()
    assert await gateway.ended() == 2
    assert any("bad" in line and "OSError" in line for line in gateway.log), gateway.log
    assert not any("Traceback" in line for line in gateway.log)


@pytest.mark.parametrize("use", ["needs-what-is-missing", "leaves-at-import"])
async def test_a_plugin_that_may_be_skipped_is_missed_by_ready(directory: Path, use: str) -> None:
    bad = table("bad", use, on_error='"skip"', accept_risk="true")
    async with serving(directory, config("http://127.0.0.1:9", bad)) as gateway:
        wire = await Wire.to(gateway.port)
        wire.send(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"bad" in await wire.read_all()
        await wire.leave()
