"""Keys that are limited to some models, in sessions whose messages name models."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from attrs import define, field
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import admin_of, observed_gateway

TOML = """
[providers.openai]
base_url = "http://127.0.0.1:{port}/v1"
[providers.gemini]
base_url = "http://127.0.0.1:{port}"
[models.voice]
targets = ["gemini/gemini-live"]
[models.dear]
targets = ["openai/gpt-5-pro"]
[plugins.virtual_keys]
[plugins.virtual_keys.organizations.acme]
"""
LIVE = "/gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
REALTIME = "/v1/realtime?model=gpt-realtime"
RESPONSES = "/v1/responses"
ALLOWED = ["voice", "gpt-realtime", "gpt-5", "whisper-1"]


def create(**members: Any) -> dict[str, Any]:
    return {"type": "response.create", **members}


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": session}


def transcribed_by(model: str) -> dict[str, Any]:
    return update(audio={"input": {"transcription": {"model": model}}})


@define(eq=False)
class Line:
    """A gateway with keys behind its own server, and all that its provider has received."""

    admin: GatewayClient
    port: int
    received: list[Any] = field(factory=list)

    async def key(self, **fields: Any) -> str:
        answer = await self.admin.post("/jackfield/keys", json={"organization": "acme", **fields})
        return str((await answer.json())["key"])

    def open(self, path: str, key: str) -> connect:
        bearer = {"authorization": f"Bearer {key}"}
        return connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=bearer)

    async def send_all(self, path: str, key: str, *messages: Mapping[str, Any]) -> int | None:
        """Send messages in a session; the code that it is closed with, None if it goes on."""
        async with self.open(path, key) as session:
            try:
                for message in messages:
                    await session.send(json.dumps(message))
                    await session.recv()
                    if session.close_code is None and len(self.received) < len(messages):
                        continue
            except ConnectionClosed:
                pass
            if len(self.received) == len(messages):
                return None
            await session.wait_closed()
            return session.close_code


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    received: list[Any] = []

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            received.append(json.loads(message))
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as provider:
        (socket,) = provider.sockets
        gateway = observed_gateway(TOML.format(port=socket.getsockname()[1]))
        async with gateway:
            server, listeners = Server(gateway.frontend), bind_all(["127.0.0.1:0"])
            port = listeners[0].getsockname()[1]
            await server.start(listeners)
            yield Line(admin_of(gateway), port, received)
            await server.drain(0.0, gateway.end_exchanges)


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        (LIVE, [{"setup": {"model": "models/voice"}}, {"toolResponse": {"model": "x"}}]),
        (REALTIME, [update(model="gpt-realtime"), transcribed_by("whisper-1"), create()]),
        (RESPONSES, [create(model="gpt-5"), create(model="gpt-5", metadata={"model": "x"})]),
    ],
)
async def test_a_key_may_use_its_models(line: Line, path: str, messages: list[Any]) -> None:
    assert await line.send_all(path, await line.key(models=ALLOWED), *messages) is None


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        (LIVE, [{"setup": {"model": "models/gemini-3-pro"}}]),
        (LIVE, [{"setup": {"model": "models/voice", "fallbackModel": "dear"}}]),
        (LIVE, [{"setup": {"model": "models/voice"}}, {"setup": {"model": "models/dear"}}]),
        (REALTIME, [update(model="dear")]),
        (REALTIME, [create(response={"model": "gpt-5-pro"})]),
        (REALTIME, [transcribed_by("gpt-4o-transcribe")]),
        (REALTIME, [update(input_audio_transcription={"model": "gpt-4o-transcribe"})]),
        (RESPONSES, [create(model="dear")]),
        (RESPONSES, [create(model="gpt-5-pro")]),
        (RESPONSES, [create(model="gpt-5"), create(model="dear")]),
        (RESPONSES, [create(model="gpt-5"), create(tools=[{"type": "image", "model": "dear"}])]),
        (RESPONSES, [create(model="gpt-5", tools=[{"type": "image", "model": "dear"}])]),
        (RESPONSES, [create(model="gpt-5"), create(moderation={"model": "other"})]),
    ],
)
async def test_a_key_cannot_use_another_model(line: Line, path: str, messages: list[Any]) -> None:
    code = await line.send_all(path, await line.key(models=ALLOWED), *messages)
    assert (code, len(line.received)) == (1008, len(messages) - 1)


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        (LIVE, [{"setup": {"model": "models/voice", "Model": "models/dear"}}]),
        (LIVE, [{"setup": {"model": "models/voice"}}, {"Setup": {"model": "models/dear"}}]),
        (REALTIME, [update(Model="dear")]),
        (REALTIME, [update(model="gpt-realtime", MODEL="dear")]),
        (REALTIME, [{"type": "session.update", "Session": {"Model": "dear"}}]),
        (REALTIME, [create(response={"modEl": "dear"})]),
        (REALTIME, [update(audio={"input": {"transcription": {"Model": "dear"}}})]),
        (RESPONSES, [create(model="gpt-5"), create(model="gpt-5", mOdel="dear")]),
        (RESPONSES, [create(model="gpt-5"), create(fallbackModel="dear")]),
    ],
)
async def test_letters_of_another_case_hide_no_model(
    line: Line, path: str, messages: list[Any]
) -> None:
    code = await line.send_all(path, await line.key(models=ALLOWED), *messages)
    assert (code, len(line.received)) == (1008, len(messages) - 1)


@pytest.mark.parametrize("path", [LIVE, RESPONSES])
async def test_without_a_valid_key_no_session_is_accepted(line: Line, path: str) -> None:
    key = await line.key()
    for wrong in ("", "jf-nobody", key[:-1] + ("0" if key[-1] != "0" else "1")):
        with pytest.raises(InvalidStatus) as caught:
            await line.open(path, wrong)
        assert caught.value.response.status_code == 401
    other = await line.key(operations=["chat"])
    with pytest.raises(InvalidStatus) as caught:
        await line.open(path, other)
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("path", [LIVE, RESPONSES])
async def test_a_key_that_is_revoked_before_the_first_message_opens_nothing(
    line: Line, path: str
) -> None:
    key = await line.key()
    async with line.open(path, key) as session:
        await line.admin.post(f"/jackfield/keys/{key.split('-')[1]}/revoke", json={})
        await session.wait_closed()
    assert (session.close_code, line.received) == (1008, [])
