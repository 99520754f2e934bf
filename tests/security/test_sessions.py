"""Realtime sessions, which last for hours, and the keys that open them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import frozen
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import admin_of, observed_gateway

TOML = """
[providers.openai]
base_url = "http://127.0.0.1:%d/v1"
[plugins.virtual_keys]
[plugins.virtual_keys.organizations.acme]
"""


@frozen
class Line:
    """A gateway with keys behind its own server, and a provider of sessions behind it."""

    admin: GatewayClient
    port: int

    async def key(self, **fields: Any) -> dict[str, Any]:
        """A new key, with its id."""
        answer = await self.admin.post("/jackfield/keys", json={"organization": "acme", **fields})
        made: dict[str, Any] = await answer.json()
        return made

    def open(self, key: dict[str, Any]) -> connect:
        """A session with a key."""
        bearer = {"authorization": f"Bearer {key['key']}"}
        return connect(f"ws://127.0.0.1:{self.port}/v1/realtime?model=m", additional_headers=bearer)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with serve(echo, "127.0.0.1", 0) as provider:
        (socket,) = provider.sockets
        gateway = observed_gateway(TOML % socket.getsockname()[1])
        async with gateway:
            server, listeners = Server(gateway.frontend, Limits()), bind_all(["127.0.0.1:0"])
            port = listeners[0].getsockname()[1]
            await server.start(listeners)
            yield Line(admin_of(gateway), port)
            await server.drain(0.0)


async def end_of(session: ClientConnection) -> tuple[int | None, str]:
    """The code that a session is closed with, and the last message before."""
    await session.send("{}")
    last: str | bytes = ""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(5):
            while True:
                last = await session.recv()
    return session.close_code, str(last)


@pytest.mark.parametrize(
    ("method", "path", "fields", "why"),
    [
        ("POST", "keys/{}/revoke", {}, "has been revoked"),
        ("POST", "organizations/acme/revoke", {}, "has been revoked"),
        ("PATCH", "keys/{}", {"addresses": ["10.0.0.0/8"]}, "from this address"),
        ("PATCH", "keys/{}", {"models": ["other"]}, "may not use the model"),
    ],
)
async def test_a_session_ends_when_its_key_would_not_open_it_any_more(
    line: Line, method: str, path: str, fields: dict[str, Any], why: str
) -> None:
    key, other = await line.key(), await line.key()
    async with line.open(key) as session, line.open(other) as another:
        ending = asyncio.create_task(end_of(session))
        await line.admin.send(method, f"/jackfield/{path.format(key['id'])}", json=fields)
        code, last = await ending
        assert (code, why in last) == (1008, True)
        if path.startswith("keys"):
            await another.send("still here")
            assert await another.recv() == "still here"


async def test_a_session_does_not_outlive_its_key(line: Line) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    async with line.open(await line.key(expires=soon.isoformat())) as session:
        code, last = await end_of(session)
    assert (code, "has expired" in last) == (1008, True)
