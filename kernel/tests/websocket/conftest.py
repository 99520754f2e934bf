"""A gateway with a provider of sessions, and providers on loopback that are well or broken."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import pytest
import uvloop
from attrs import define, field, frozen
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server as Provider
from websockets.asyncio.server import ServerConnection, serve

from jackfield import Endpoint, GatewayError, Plugin, Usage, option
from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield._websocket.handshake import accept_of
from jackfield.dialects import Dialect, Peek, UpstreamFailure
from jackfield.http import WEBSOCKET
from jackfield.realtime import (
    MESSAGES,
    RealtimeConfig,
    RealtimeDialect,
    RealtimeProvider,
    SessionMeter,
)
from jackfield.testing.gateway import ObservedGateway, observed_gateway

TOML = '[providers.up]\nuse = "voice"\nbase_url = "{url}/v1"\nkeys = ["env:UP_KEY"]\n'
NO_RETRIES = "[upstream]\nretries = 0\n"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every async test of this folder on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class VoiceMeter:
    def __init__(self) -> None:
        self.count = 0

    def feed(self, events: bytes) -> None:
        payloads = [MESSAGES.data_of(event) for event in MESSAGES.split(events)]
        self.count += sum(json.loads(one).get("tokens", 0) for one in payloads if one)

    def usage(self) -> Usage:
        return Usage(output_tokens=self.count)

    def sent(self, message: bytes) -> None:
        pass

    def is_complete(self) -> bool:
        return True


class VoiceDialect(RealtimeDialect):
    name: ClassVar[str] = "testing.voice"
    protocols: ClassVar[frozenset[str]] = frozenset({"voice", "voice.beta"})
    key_protocol: ClassVar[str | None] = "key."
    event_texts: ClassVar[tuple[str, ...]] = ("text",)

    def usage_meter(self) -> SessionMeter:
        return VoiceMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return json.dumps({"error": error.code, "message": error.message}).encode()

    error_message = render_error

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return UpstreamFailure(body.decode("utf-8", "replace"))


VOICE = VoiceDialect()
SESSION = Endpoint(
    WEBSOCKET, "/voice", VOICE, "realtime", "inference", "/talk", max_body=1 << 20, query=("model",)
)


class NamedDialect(VoiceDialect):
    """The model is named in the first message, as `start.model`, and may be named again."""

    name: ClassVar[str] = "testing.named"
    first_message: ClassVar[float | None] = 30.0
    model_paths: ClassVar[tuple[tuple[str, ...], ...]] = (("start", "model"), ("model",))
    model_prefix: ClassVar[str] = "models/"
    request_texts: ClassVar[tuple[str, ...]] = ("start/prompt",)


class HastyDialect(NamedDialect):
    name: ClassVar[str] = "testing.hasty"
    first_message: ClassVar[float | None] = 0.01


class OddDialect(NamedDialect):
    """It fails on any message."""

    name: ClassVar[str] = "testing.odd"

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return super().peek(tree, params) if tree is None else Peek(tree.model)


NAMED, HASTY, ODD = NamedDialect(), HastyDialect(), OddDialect()


def named(path: str, dialect: RealtimeDialect) -> Endpoint:
    return Endpoint(WEBSOCKET, path, dialect, "realtime", "inference", "/talk", max_body=1 << 20)


class Voice(RealtimeProvider):
    @frozen
    class Config(RealtimeConfig):
        base_url: str = option("http://127.0.0.1:9", "The address.")

    dialects: ClassVar[tuple[Dialect, ...]] = (VOICE, NAMED, HASTY, ODD)
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        SESSION,
        named("/named", NAMED),
        named("/hasty", HASTY),
        named("/odd", ODD),
    )


@define(eq=False)
class Stage:
    """A gateway behind its own server."""

    gateway: ObservedGateway
    server: Server
    port: int

    def connect(self, path: str = "/voice?model=up/m", **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)

    async def outcome(self, at: int = 0) -> Any:
        """How an exchange ended, once it has."""
        await self.gateway.idle()
        assert len(self.gateway.settled) == at + 1
        return self.gateway.settled[at].outcome


Handler = Callable[[ServerConnection], Awaitable[None]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@define(eq=False)
class House:
    """Opens what a test needs, and closes it at its end."""

    _stack: AsyncExitStack
    paths: list[str] = field(factory=list)
    headers: list[Mapping[str, str]] = field(factory=list)

    async def provider(self, handler: Handler, **options: Any) -> str:
        """A well-behaved provider; its address."""

        async def noted(connection: ServerConnection) -> None:
            if connection.request is not None:
                self.paths.append(connection.request.path)
                self.headers.append(connection.request.headers)
            await handler(connection)

        options = {"ping_interval": None, "compression": None, "max_size": None, **options}
        server: Provider = await self._stack.enter_async_context(
            serve(noted, "127.0.0.1", 0, **options)
        )
        return f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"

    async def raw_provider(self, handler: RawHandler) -> str:
        """A provider that is given the connection as soon as it has agreed to a WebSocket."""

        async def agreed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Accept: " + accept_of(key).encode() + b"\r\n\r\n"
            )
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(agreed, "127.0.0.1", 0)
        self._stack.push_async_callback(server.wait_closed)
        self._stack.callback(server.close)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def gateway(
        self,
        url: str,
        toml: str = "",
        plugins: Mapping[str, type[Plugin]] | None = None,
        **limits: float,
    ) -> Stage:
        """A gateway whose provider is at `url`."""
        found: dict[str, type[Plugin]] = {"voice": Voice, **(plugins or {})}
        gateway = observed_gateway(NO_RETRIES + TOML.format(url=url) + toml, found)
        await self._stack.enter_async_context(gateway)
        server = Server(gateway.frontend, Limits(sweep_seconds=0.02, **limits))  # type: ignore[arg-type]
        listeners = bind_all(["127.0.0.1:0"])
        port = listeners[0].getsockname()[1]
        await server.start(listeners)
        self._stack.push_async_callback(server.drain, 0, gateway.end_exchanges)
        return Stage(gateway, server, port)


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """What a test of sessions takes place in."""
    monkeypatch.setenv("UP_KEY", "sk-provider")
    async with AsyncExitStack() as stack:
        yield House(stack)


async def echo(connection: ServerConnection) -> None:
    """A provider that says everything back."""
    async for message in connection:
        await connection.send(message)


@pytest.fixture
async def echoing(house: House) -> AsyncIterator[ClientConnection]:
    """A client in a session with a provider that says everything back."""
    stage = await house.gateway(await house.provider(echo))
    async with stage.connect() as client:
        yield client
