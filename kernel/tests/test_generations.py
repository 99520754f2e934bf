"""Reloads, and starts, that wait for a plugin: it is named, and nothing waits behind it."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from attrs import frozen
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield import (
    Exchange,
    Outcome,
    Plugin,
    Setup,
    _frontend,
    _gateway,
    _generations,
    hookimpl,
    strict_json,
)
from jackfield._gateway import Gateway
from jackfield._generations import Generations
from jackfield._loader import Installed
from jackfield.config import option, parse
from jackfield.http import HttpRequest
from jackfield.testing.gateway import KIT


class Waits(Plugin):
    """Does not come to an end of its start, or of its stop, if configured so."""

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


class Slow(Plugin):
    """Takes its time to stop, until it is released."""

    stopping: ClassVar[asyncio.Event]
    allowed: ClassVar[asyncio.Event]
    stopped: ClassVar[int] = 0

    async def stop(self) -> None:
        self.stopping.set()
        await self.allowed.wait()
        type(self).stopped += 1


class Notes(Plugin):
    """Notes what is settled before it is stopped, and after."""

    order: ClassVar[list[str]]

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        self.order.append("settled")

    async def stop(self) -> None:
        self.order.append("stopped")


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


async def test_a_shutdown_lets_an_old_configuration_finish_its_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Slow.stopping, Slow.allowed, Slow.stopped = asyncio.Event(), asyncio.Event(), 0
    monkeypatch.setattr(_gateway, "installed", lambda: Installed({}, {"slow": Slow}))
    generations = Generations(lambda: parse("[plugins.slow]"))
    await generations.begin(parse("[plugins.slow]"))
    await generations.reload()
    await Slow.stopping.wait()
    end = asyncio.create_task(generations.end())
    await asyncio.sleep(0)
    Slow.allowed.set()
    await end
    assert Slow.stopped == 2


async def test_a_reload_while_draining_does_not_report_ready(files: Files) -> None:
    files.generations.drain()
    await files.reload("[plugins.waits]")
    assert b'"status":"draining"' in await ready(files.generations.current)


async def test_a_reload_waits_for_bodies_that_are_still_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, go_on, decode = threading.Event(), threading.Event(), strict_json.decode

    def slowly(body: bytes) -> Any:
        reading.set()
        go_on.wait(10)
        return decode(body)

    monkeypatch.setattr(strict_json, "decode", slowly)
    monkeypatch.setattr(_frontend, "LARGE_BODY", 10)
    monkeypatch.setattr(_gateway, "installed", lambda: Installed({}, {**KIT, "notes": Notes}))
    toml, Notes.order = "[providers.fake]\n[plugins.notes]", []
    generations = Generations(lambda: parse(toml))
    gateway = await generations.begin(parse(toml))
    body = b'{"model": "fake/echo", "messages": [{"role": "user", "text": "Hi"}]}'
    request = asyncio.ensure_future(
        gateway.handle(HttpRequest.local("POST", "/testing/chat", body))
    )
    await asyncio.to_thread(reading.wait, 10)
    await generations.reload()
    go_on.set()
    assert (await request).status == 200
    await generations.end()
    assert Notes.order == ["settled", "stopped", "stopped"]
