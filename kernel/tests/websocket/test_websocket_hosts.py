"""Sessions under other servers: ASGI has them, WSGI refuses them."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
import uvicorn
from attrs import define, field
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from jackfield._server.handler import Handler
from jackfield._server.sockets import bind_all
from jackfield.asgi import JackfieldASGI
from jackfield.wsgi import JackfieldWSGI

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House, Stage


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "leave":
            await connection.close(4001, "left")
            return
        await connection.send(message)


@define(eq=False)
class Hosted:
    """A gateway in an ASGI server."""

    stage: "Stage"
    port: int

    def connect(self, path: str = "/llm/voice?model=up/m", **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)


@pytest.fixture
async def hosted(house: "House") -> AsyncIterator[Hosted]:
    """A gateway mounted in Starlette under uvicorn."""
    stage = await house.gateway(await house.provider(echo))
    listener = bind_all(["127.0.0.1:0"])[0]
    app = Starlette(routes=[Mount("/llm", JackfieldASGI(opening_of(stage.gateway.frontend)))])
    config = uvicorn.Config(app, ws="websockets-sansio", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    yield Hosted(stage, listener.getsockname()[1])
    server.should_exit = True
    await serving


def opening_of(frontend: Handler) -> Callable[[], Any]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Handler]:
        yield frontend

    return opened


async def test_a_first_message_may_name_the_model(hosted: Hosted) -> None:
    async with hosted.connect("/llm/named", subprotocols=["voice"]) as client:
        assert client.subprotocol == "voice"
        await client.send('{"start": {"model": "up/m"}}')
        assert await client.recv() == '{"start": {"model": "models/m"}}'
    assert (await hosted.stage.outcome()).kind == "answered"


async def test_a_first_message_that_names_none_is_refused(hosted: Hosted) -> None:
    async with hosted.connect("/llm/named") as client:
        await client.send("{}")
        assert "must name the model" in str(await client.recv())
    assert client.close_code == 1008
    assert (await hosted.stage.outcome()).kind == "refused"


async def test_a_client_that_leaves_before_its_first_message_is_settled(hosted: Hosted) -> None:
    async with hosted.connect("/llm/named") as client:
        client.transport.abort()
    assert (await hosted.stage.outcome()).kind == "client_gone"


async def test_messages_pass_both_ways(hosted: Hosted) -> None:
    async with hosted.connect(subprotocols=["voice", "key.sk"]) as client:
        assert client.subprotocol == "voice"
        assert client.response is not None
        assert client.response.headers["x-jackfield-target"] == "up/m"
        for message in ("é", b"\x00\xff" * 50_000, ""):
            await client.send(message)
            assert await client.recv() == message
    assert (await hosted.stage.outcome()).kind == "answered"


async def test_the_client_learns_why_the_provider_closes(hosted: Hosted) -> None:
    async with hosted.connect() as client:
        await client.send("leave")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert (client.close_code, client.close_reason) == (4001, "left")


async def test_a_refusal_keeps_its_status_and_its_body(hosted: Hosted) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await hosted.connect("/llm/testing/chat")
    assert caught.value.response.status_code == 405
    assert json.loads(caught.value.response.body or b"")["error"]


async def test_a_message_that_is_too_large_is_refused(hosted: Hosted) -> None:
    async with hosted.connect() as client:
        await client.send(bytes((1 << 20) + 1))
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    assert client.close_code == 1009


async def test_a_client_that_vanishes_takes_the_provider_along(hosted: Hosted) -> None:
    async with hosted.connect() as client:
        await client.send("hello")
        await client.recv()
        client.transport.abort()
    # Not every server tells one that vanishes from one that closes without a code.
    assert (await hosted.stage.outcome()).kind in ("client_gone", "answered")


@define
class OldServer:
    """An ASGI server of the oldest kind, which cannot send refusals."""

    sent: list[dict[str, Any]] = field(factory=list)

    async def receive(self) -> dict[str, Any]:
        if self.sent:
            await asyncio.Event().wait()
        return {"type": "websocket.connect"}

    async def send(self, event: Any) -> None:
        self.sent.append(event)


async def test_a_server_that_cannot_send_refusals_closes(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    scope = {
        "type": "websocket",
        "path": "/health",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    old = OldServer()
    await JackfieldASGI(opening_of(stage.gateway.frontend))(scope, old.receive, old.send)
    assert [event["type"] for event in old.sent] == ["websocket.close"]


@define
class Reluctant:
    """An ASGI server that, as Granian does, loses what closes a session while receive() is called.

    `events` are those that it has received.
    """

    events: list[dict[str, Any]]
    closed: dict[str, Any] | None = None
    is_receiving: bool = False

    async def receive(self) -> dict[str, Any]:
        if self.events:
            return self.events.pop(0)
        self.is_receiving = True
        try:
            return await asyncio.Future()
        finally:
            self.is_receiving = False

    async def send(self, event: Any) -> None:
        if event["type"] == "websocket.close" and not self.is_receiving:
            self.closed = event


async def test_a_server_that_must_not_receive_more_closes(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    scope = {
        "type": "websocket",
        "path": "/voice",
        "query_string": b"model=up/m",
        "headers": [(b"host", b"localhost"), (b"upgrade", b"websocket")],
    }
    message = {"type": "websocket.receive", "text": "leave"}
    server = Reluctant([{"type": "websocket.connect"}, message])
    await JackfieldASGI(opening_of(stage.gateway.frontend))(scope, server.receive, server.send)
    assert server.closed == {"type": "websocket.close", "code": 4001, "reason": "left"}


async def test_wsgi_says_that_it_has_no_sessions(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    environ: dict[str, Any] = {"PATH_INFO": "/voice", "HTTP_UPGRADE": "WebSocket"}
    setup_testing_defaults(environ)
    environ |= {"wsgi.input": io.BytesIO(), "REMOTE_ADDR": "127.0.0.1"}
    statuses: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], /) -> None:
        statuses.append(status)

    app = JackfieldWSGI(opening_of(stage.gateway.frontend))
    body = b"".join(await asyncio.to_thread(app, environ, start_response))
    await asyncio.to_thread(app.close)
    assert b"No WebSocket can be opened here" in body
    assert statuses == ["400 Bad Request"]
