"""Realtime sessions at Azure: OpenAI's own client for it, in both forms of the API."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, omit
from tests.faults.gateway import KEY, serving
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

FORMS = {
    "deployments": ("/openai/realtime", {"api-version=2026-01-01", "deployment=voice"}),
    "v1": ("/openai/v1/realtime", {"model=voice"}),
}
TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
[providers.azure]
base_url = "http://127.0.0.1:{port}"
keys = ["env:UPSTREAM_KEY"]
deployments = {{ gpt-realtime = "voice" }}
{version}
"""


@pytest.mark.parametrize("form", FORMS)
async def test_a_session_reaches_the_deployment(form: str, tmp_path: Path) -> None:
    handshakes: list[Request] = []

    async def converse_once(socket: ServerConnection) -> None:
        assert socket.request is not None
        handshakes.append(socket.request)
        await socket.send(json.dumps({"type": "session.created", "event_id": "1", "session": {}}))
        await socket.wait_closed()

    async with serve(converse_once, "127.0.0.1", 0) as provider:
        port = next(iter(provider.sockets)).getsockname()[1]
        version = 'api_version = "2026-01-01"' if form == "deployments" else ""
        await converse(tmp_path, TOML.format(port=port, version=version))
    path, query = FORMS[form]
    assert handshakes[0].path.partition("?")[0] == path
    assert set(handshakes[0].path.partition("?")[2].split("&")) == query
    assert handshakes[0].headers["api-key"] == KEY
    assert "sk-client" not in str(handshakes[0].headers)


async def converse(folder: Path, toml: str) -> None:
    """One session of the official client."""
    async with serving(folder, toml) as gateway:
        client = AsyncAzureOpenAI(
            azure_endpoint=f"{gateway.url}/azure",
            websocket_base_url=f"ws://127.0.0.1:{gateway.port}/azure/openai",
            api_version="2026-01-01",
            api_key="sk-client",
        )
        async with client.realtime.connect(model="azure/gpt-realtime") as session:
            event = await session.recv()
            assert event.type == "session.created"
        assert "outcome=answered" in await gateway.logged("outcome=")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("door", ["/azure/openai/v1", "/azure/openai"])
async def test_responses_over_a_websocket_reach_the_deployment(
    form: str, door: str, tmp_path: Path
) -> None:
    handshakes: list[Request] = []
    received: list[Any] = []

    async def answer(socket: ServerConnection) -> None:
        assert socket.request is not None
        handshakes.append(socket.request)
        async for message in socket:
            received.append(json.loads(message))
            await socket.send(json.dumps({"type": "response.completed", "response": {}}))

    async with serve(answer, "127.0.0.1", 0) as provider:
        port = next(iter(provider.sockets)).getsockname()[1]
        version = 'api_version = "2026-01-01"' if form == "deployments" else ""
        async with serving(tmp_path, TOML.format(port=port, version=version)) as gateway:
            client = AsyncOpenAI(base_url=gateway.url + door, api_key="sk-client")
            async with client.responses.connect() as session:
                for model in ("azure/gpt-realtime", omit):
                    await session.response.create(input="Hi", model=model)
                    assert (await session.recv()).type == "response.completed"
    assert handshakes[0].path == "/openai/v1/responses"
    assert handshakes[0].headers["api-key"] == KEY
    assert [one["model"] for one in received] == ["voice", "voice"]
