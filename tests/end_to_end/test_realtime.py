"""Realtime sessions through the gateway: recorded ones word for word, and OpenAI's own client."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from typing import Any

import pytest
from attrs import define
from msgspec.structs import replace
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeServerEvent
from tests.corpus import ROOT, needs_corpus
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from jackfield import Usage
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.estimates import UNUSED, settled_usage
from jackfield.testing.gateway import ObservedGateway, observed_gateway

TOML = """
[upstream]
retries = 0
[providers.up]
use = "openai"
base_url = "{url}/v1"
keys = ["env:UP_KEY"]
[models.talker]
targets = ["up/gpt-realtime"]
"""
Frame = dict[str, Any]
Script = Callable[[ServerConnection], Awaitable[None]]


@define(eq=False)
class Stage:
    """A gateway behind its server."""

    gateway: ObservedGateway
    port: int

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="sk-client")

    def connect(self) -> connect:
        url = f"ws://127.0.0.1:{self.port}/v1/realtime?model=talker"
        return connect(url, max_size=None, compression=None)

    async def usage(self) -> Usage | None:
        await self.gateway.idle()
        (settled,) = self.gateway.settled
        return settled.outcome.usage


Open = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Opens a gateway whose provider follows a script."""
    monkeypatch.setenv("UP_KEY", "sk-provider")
    async with AsyncExitStack() as stack:

        async def opened(script: Script, **options: Any) -> Stage:
            provider = await stack.enter_async_context(serve(script, "127.0.0.1", 0, **options))
            port = next(iter(provider.sockets)).getsockname()[1]
            gateway = observed_gateway(TOML.format(url=f"http://127.0.0.1:{port}"))
            await stack.enter_async_context(gateway)
            server = Server(gateway.frontend)
            listeners = bind_all(["127.0.0.1:0"])
            port = listeners[0].getsockname()[1]
            await server.start(listeners)
            stack.push_async_callback(server.drain, 0, gateway.end_exchanges)
            return Stage(gateway, port)

        yield opened


@cache
def recorded() -> dict[str, list[Frame]]:
    """The frames of every recorded session, by its id."""
    paths = sorted((ROOT / "exchanges").glob("*/realtime/*.json"))
    return {path.stem: json.loads(path.read_bytes())["frames"] for path in paths}


def wire(session: str, frame: Frame) -> str | bytes:
    """A recorded message as its vendor sends it: Gemini's JSON is binary."""
    text = json.dumps(frame["data"], ensure_ascii=False)
    is_binary = session.startswith("gemini") and frame["direction"] == "received"
    return text.encode() if is_binary else text


async def play(
    connection: ClientConnection | ServerConnection, session: str, direction: str
) -> list[str]:
    """Take one side of a recorded session; what came otherwise than recorded."""
    wrong: list[str] = []
    for frame in recorded()[session]:
        if frame["kind"] != "message":
            break
        if frame["direction"] == direction:
            await connection.send(wire(session, frame))
        elif (came := await connection.recv()) != wire(session, frame):
            wrong.append(f"{session}: {came[:200]!r}")
    return wrong


def used(session: str) -> Usage | None:
    """What the responses of a recorded session have used together."""
    events = [frame.get("data") or {} for frame in recorded()[session]]
    reports = [e["response"]["usage"] for e in events if e.get("type") == "response.done"]
    if not reports:
        return None

    def total(*path: str) -> int:
        return sum(_count(report, path) for report in reports)

    return Usage(
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        cached_input_tokens=total("input_token_details", "cached_tokens"),
        reasoning_tokens=total("output_token_details", "reasoning_tokens"),
        audio_input_tokens=total("input_token_details", "audio_tokens"),
        audio_output_tokens=total("output_token_details", "audio_tokens"),
    )


def _count(report: Any, path: tuple[str, ...]) -> int:
    for step in path:
        report = report.get(step) or 0 if isinstance(report, dict) else 0
    return report or 0


@needs_corpus
@pytest.mark.parametrize("session", sorted(recorded()) or [""])
async def test_a_recorded_session_passes_word_for_word(stage: Open, session: str) -> None:
    wrong: list[str] = []

    async def provider(connection: ServerConnection) -> None:
        wrong.extend(await play(connection, session, "received"))
        await connection.wait_closed()

    opened = await stage(provider, max_size=None)
    async with opened.connect() as client:
        wrong += await play(client, session, "sent")
    usage = await opened.usage()
    assert not wrong
    if not session.startswith(("gemini", "xai")):  # the one counts in another form, the other not
        assert (usage and replace(usage, extensions={}, units={}, bills=())) == used(session)


def event(kind: str, **members: Any) -> str:
    return json.dumps({"type": kind, "event_id": "event_1", **members})


async def assistant(connection: ServerConnection) -> None:
    """A provider that answers every request with a greeting."""
    await connection.send(event("session.created", session={"type": "realtime", "model": "m"}))
    async for message in connection:
        if json.loads(message)["type"] != "response.create":
            continue
        ids = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
        for word in ("Good ", "day"):
            await connection.send(event("response.output_text.delta", delta=word, **ids))
        usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
        response = {"id": "r", "object": "realtime.response", "status": "completed", "usage": usage}
        await connection.send(event("response.done", response=response))


async def interrupted(connection: ServerConnection) -> None:
    """A provider that breaks off in the middle of its second answer."""
    await connection.recv()  # the settings
    await connection.recv()
    usage = {"input_tokens": 500, "output_tokens": 20, "total_tokens": 520}
    created = event("response.created", response={"id": "r", "object": "realtime.response"})
    await connection.send(created)
    await connection.send(event("response.done", response={"id": "r", "usage": usage}))
    await connection.recv()
    await connection.send(created)
    ids = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    half = base64.b64encode(bytes(24_000)).decode()
    await connection.send(event("response.output_audio.delta", delta=half, **ids))
    connection.transport.abort()


async def test_the_official_client_holds_a_conversation(stage: Open) -> None:
    opened = await stage(assistant)
    events: list[RealtimeServerEvent] = []
    async with opened.client().realtime.connect(model="talker") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Greet."})
        for _ in range(2):
            await connection.response.create()
            async for one in connection:
                events.append(one)
                if one.type == "response.done":
                    break
    texts = [one.delta for one in events if one.type == "response.output_text.delta"]
    assert events[0].type == "session.created"
    assert texts == ["Good ", "day", "Good ", "day"]
    assert await opened.usage() == Usage(input_tokens=10, output_tokens=4)


async def test_an_answer_during_which_a_session_ends_is_estimated(stage: Open) -> None:
    opened = await stage(interrupted)
    async with opened.client().realtime.connect(model="talker") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "x" * 400})
        for _ in range(2):
            await connection.response.create()
            while (await connection.recv()).type not in ("response.done", "error"):
                pass
    usage = await opened.usage()
    (settled,) = opened.gateway.settled
    assert usage is not None
    assert (settled.outcome.kind, settled.outcome.usage_complete) == ("truncated", False)
    # Reported: 500 and 20. The second has them as input, and half a second of audio as output.
    assert usage.input_tokens >= 500 + 520
    assert usage.audio_output_tokens in (10, 11)
    assert usage.output_tokens == 20 + usage.audio_output_tokens


async def test_a_session_without_a_request_costs_nothing(stage: Open) -> None:
    opened = await stage(assistant)
    async with opened.client().realtime.connect(model="talker") as connection:
        await connection.recv()
    assert await opened.usage() is UNUSED
    (settled,) = opened.gateway.settled
    assert settled_usage(settled.exchange, settled.outcome) == (Usage(), "reported")


async def test_the_official_client_is_told_of_a_shutdown_in_an_event(stage: Open) -> None:
    opened = await stage(assistant)
    async with opened.client().realtime.connect(model="talker", max_retries=0) as connection:
        await connection.recv()
        await opened.gateway.end_exchanges()
        last = await connection.recv()
        assert last.type == "error"
        assert last.error.code == "shutting_down"
        with pytest.raises(ConnectionClosed) as caught:
            await connection.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


@pytest.mark.parametrize(("status", "shown"), [(401, 502), (429, 429)])
async def test_the_official_client_is_refused_as_by_the_vendor(
    stage: Open, status: int, shown: int
) -> None:
    error = {"error": {"message": "Not now.", "type": "x", "code": "busy", "param": None}}

    def refuse(connection: ServerConnection, request: Request) -> Response:
        body = json.dumps(error).encode()
        headers = Headers({"Content-Length": str(len(body)), "Content-Type": "application/json"})
        return Response(status, "No", headers, body)

    opened = await stage(assistant, process_request=refuse)
    with pytest.raises(InvalidStatus) as caught:
        await opened.client().realtime.connect(model="talker").enter()
    response = caught.value.response
    assert response.status_code == shown
    assert (json.loads(response.body or b"") == error) is (status == 429)
