"""A stream at an endpoint for everybody is ended, checked and logged as all other streams are."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import evolve

from jackfield import Exchange, Plugin, Response, Setup
from jackfield.catalogue import Catalogue
from jackfield.endpoints import PUBLIC
from jackfield.testing import CHAT_ENDPOINT, GatewayClient, Recorder, run_gateway

PATH = "/testing/all"
EVENT = b'data: {"text":"Hello"}\n\n'
BODY = {"model": "any", "messages": []}


class Streams(Plugin):
    """Streams to everybody, and ends as configured."""

    end: Any = None
    closed = False

    async def start(self, setup: Setup) -> None:
        plain = evolve(CHAT_ENDPOINT, path=PATH, permission=PUBLIC, upstream=None)
        setup.add_endpoint(evolve(plain, answer=self.tell))

    async def tell(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        return Response(200, self.events(), "text/event-stream", {"x-own": "1"})

    async def events(self) -> AsyncIterator[bytes]:
        try:
            yield EVENT
            if isinstance(self.end, BaseException):
                raise self.end
            if self.end is not None:
                await self.end.wait()
            yield b'data: {"end":true}\n\n'
        finally:
            self.closed = True


def streams(end: Any = None) -> Any:
    kinds = {"own": type("Ends", (Streams,), {"end": end}), "recorder": Recorder}
    return run_gateway("[plugins.recorder]\n[plugins.own]", kinds)


async def outcome(client: GatewayClient) -> tuple[str, bool]:
    (settled,) = client.settled
    return settled.outcome.kind, client.plugin("own").closed


async def test_it_passes_whole_and_no_proxy_is_to_hold_it_back() -> None:
    async with streams() as client:
        answer = await client.post(PATH, json=BODY)
        assert await answer.read() == EVENT + b'data: {"end":true}\n\n'
        assert (answer.headers["x-own"], answer.headers["x-accel-buffering"]) == ("1", "no")
        assert await outcome(client) == ("answered", True)
        assert f"path={PATH}" in client.log()


async def test_one_that_fails_ends_in_an_error_event(caplog: pytest.LogCaptureFixture) -> None:
    async with streams(RuntimeError("a secret")) as client:
        answer = await client.post(PATH, json=BODY)
        assert b"internal_error" in await answer.read()
        assert await outcome(client) == ("truncated", True)
    assert f"RuntimeError at {__file__}:" in caplog.text
    assert "a secret" not in caplog.text


async def test_one_whose_client_leaves_is_closed() -> None:
    async with streams(asyncio.Event()) as client:
        answer = await client.post(PATH, json=BODY)
        assert await anext(answer.batches()) == EVENT
        await answer.disconnect()
        assert await outcome(client) == ("client_gone", True)


async def test_one_that_lasts_ends_with_the_gateway() -> None:
    async with streams(asyncio.Event()) as client:
        answer = await client.post(PATH, json=BODY)
        batches = answer.batches()
        assert await anext(batches) == EVENT
        ending = asyncio.create_task(client.shut_down())
        assert b"shutting_down" in await anext(batches)
        assert [rest async for rest in batches] == []
        await ending
        assert await outcome(client) == ("shutdown", True)


async def test_hooks_of_other_plugins_are_not_called() -> None:
    async with streams() as client:
        answer = await client.post(PATH, json=BODY)
        await answer.read()
        assert not client.calls()
