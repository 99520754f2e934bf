"""Reloads, and starts, that wait for a plugin: it is named, and nothing waits behind it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from attrs import frozen
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield import Plugin, Setup, _gateway, _generations
from jackfield._gateway import Gateway
from jackfield._generations import Generations
from jackfield._loader import Installed
from jackfield.config import option, parse
from jackfield.http import HttpRequest


class Waits(Plugin):
    """Does not come to an end of its start, or of its stop, if told so."""

    @frozen
    class Config:
        """Where it waits."""

        starting: bool = option(False, "In `start`.")
        stopping: bool = option(False, "In `stop`.")

    config: Config

    async def start(self, setup: Setup) -> None:
        if self.config.starting:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        if self.config.stopping:
            await asyncio.Event().wait()


class Files:
    """A file that can be saved, and the gateways of its texts."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.text = "[plugins.waits]"
        self.generations = Generations(lambda: parse(self.text))

    async def reload(self, text: str, patience: float = 10.0) -> Gateway:
        """Save another text, and wait for it no longer; the gateway that there was before."""
        self.patch.setattr(_generations, "PATIENCE", patience)
        self.text = text
        before = self.generations.current
        await self.generations.reload()
        return before


@pytest.fixture
async def files(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Files]:
    monkeypatch.setattr(_gateway, "installed", lambda: Installed({}, {"waits": Waits}))
    monkeypatch.setattr(_gateway, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(_gateway, "STOP_SECONDS", 0.01)
    files = Files(monkeypatch)
    await files.generations.begin(parse(files.text))
    yield files
    await files.generations.end()


async def ready(gateway: Gateway) -> bytes:
    head = CIMultiDictProxy(CIMultiDict({"host": "localhost"}))
    body = (await gateway.handle(HttpRequest("GET", "/ready", "", head, b"", "127.0.0.1"))).body
    assert isinstance(body, bytes)
    return body


async def test_a_plugin_that_is_waited_for_is_named(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    before = await files.reload("[plugins.waits]\nstarting = true", patience=1.0)
    assert files.generations.current is before
    assert "plugin waits has not started yet; still waiting" in caplog.text
    assert b'"reload":"waits for the plugin waits to start"' in await ready(before)
    assert b'"status":"ready"' in await ready(before)


async def test_a_reload_gives_up_one_that_waits(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    await files.reload("[plugins.waits]\nstarting = true", patience=0.05)
    before = await files.reload("[plugins.waits]\nstarting = false")
    assert files.generations.current is not before
    assert "the previous reload has not finished and is cancelled" in caplog.text
    assert b"reload" not in await ready(files.generations.current)


async def test_plugins_that_do_not_stop_keep_no_reload_waiting(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(_generations.MOST_OLD + 2):
        await files.reload("[plugins.waits]\nstopping = true")
    assert caplog.text.count("configuration reloaded") == _generations.MOST_OLD + 2
    assert "plugin waits failed in stop: TimeoutError" in caplog.text


async def test_an_old_configuration_holds_none_of_those_that_follow() -> None:
    generations = Generations(lambda: parse(""))
    first = await generations.begin(parse(""))
    await generations.reload()
    assert generations.current is not first
    assert first.successor is None
    await generations.end()
