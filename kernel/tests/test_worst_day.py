"""What goes on when a part of the gateway cannot do its work."""

import asyncio
import io
import logging
from contextlib import suppress
from math import nan
from typing import cast

import pytest

from jackfield import Exchange, Outcome, Plugin, _gateway, hookimpl
from jackfield._access_log import AccessLog
from jackfield._outbox import Outbox
from jackfield.testing import run_gateway
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway

TABLES = "[plugins.first]\n[plugins.second]"


class Stopping(Plugin):
    stopped = False

    async def stop(self) -> None:
        type(self).stopped = True


class FailingToStop(Plugin):
    async def stop(self) -> None:
        raise OSError("s3cret words")


async def test_a_plugin_that_fails_to_stop_keeps_no_other_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        async with run_gateway(TABLES, {"first": Stopping, "second": FailingToStop}):
            pass
    assert Stopping.stopped
    assert "plugin second failed in stop: OSError" in caplog.text
    assert "s3cret" not in caplog.text


class FullDisk(io.StringIO):
    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


async def test_a_full_disk_costs_lines_of_the_log_and_no_answer() -> None:
    disk = FullDisk()
    async with observed_gateway("") as gateway:
        log = AccessLog("text", disk)
        gateway.access_log = log
        client = client_of(cast("ObservedGateway", gateway))
        assert (await client.chat("Hello")).status == 200
        log.flush()
        disk.full = False
        await client.chat("Hello again")
        log.flush()
    assert "1 lines of the access log were dropped" in disk.getvalue()
    assert disk.getvalue().count("status=200") == 1


class Wire:
    def __init__(self, *, broken: bool = False) -> None:
        self.broken, self.aborted, self.sent = broken, False, b""

    def is_closing(self) -> bool:
        return self.aborted

    def write(self, data: bytes) -> None:
        if self.broken:
            raise RuntimeError("the handle is closed")
        self.sent += data

    def abort(self) -> None:
        self.aborted = True


async def test_a_connection_that_fails_costs_the_others_nothing() -> None:
    first, broken, last = Wire(), Wire(broken=True), Wire()
    outbox = Outbox(asyncio.get_running_loop())
    for wire in (first, first, broken, last):
        outbox.write(cast("asyncio.Transport", wire), b"x")
    outbox.flush()
    assert (first.sent, last.sent, broken.aborted) == (b"xx", b"x", True)


class NeverSettles(Plugin):
    """Goes on when it is cancelled."""

    entered, released = asyncio.Event(), asyncio.Event()

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        self.entered.set()
        while not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()


async def test_a_request_that_is_never_settled_keeps_no_gateway_from_its_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_gateway, "STOP_SECONDS", 0.01)
    monkeypatch.setattr(NeverSettles, "entered", asyncio.Event())
    monkeypatch.setattr(NeverSettles, "released", asyncio.Event())
    async with run_gateway("[plugins.never]", {"never": NeverSettles}) as client:
        pending = client.start_chat("Hello")
        await NeverSettles.entered.wait()
    assert "1 requests did not end" in caplog.text
    NeverSettles.released.set()
    assert (await pending).status == 200


async def test_an_error_whose_wait_is_no_number_is_answered_and_settled() -> None:
    async with run_gateway("[upstream]\nretries = 0") as client:
        client.fake.fail(429, "busy", retry_after=nan)
        answer = await client.chat("Hello")
        assert answer.status == 429
        assert "retry-after" not in answer.headers
        assert len(client.settled) == 1
