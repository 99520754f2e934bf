"""Realtime sessions at Azure: OpenAI's own client for it, in both forms of the API."""

import json

import pytest
from openai import AsyncAzureOpenAI
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing.gateway import observed_gateway

FORMS = {
    "deployments": ("/openai/realtime", {"api-version=2026-01-01", "deployment=voice"}),
    "v1": ("/openai/v1/realtime", {"model=voice"}),
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_session_reaches_the_deployment(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append(socket.request)
        await socket.send(json.dumps({"type": "session.created", "event_id": "1", "session": {}}))
        await socket.wait_closed()

    monkeypatch.setenv("AZURE_KEY", "sk-azure")
    async with serve(talk, "127.0.0.1", 0) as provider:
        port = next(iter(provider.sockets)).getsockname()[1]
        version = 'api_version = "2026-01-01"' if form == "deployments" else ""
        toml = f"""
            [providers.azure]
            base_url = "http://127.0.0.1:{port}"
            keys = ["env:AZURE_KEY"]
            deployments = {{ gpt-realtime = "voice" }}
            {version}
        """
        await converse(toml)
    path, query = FORMS[form]
    assert asked[0].path.partition("?")[0] == path
    assert set(asked[0].path.partition("?")[2].split("&")) == query
    assert asked[0].headers["api-key"] == "sk-azure"
    assert "sk-client" not in str(asked[0].headers)


async def converse(toml: str) -> None:
    """One session of the official client, through a gateway behind its own server."""
    gateway = observed_gateway(toml)
    async with gateway:
        server = Server(gateway.face)
        listeners = bind_all(["127.0.0.1:0"])
        port = listeners[0].getsockname()[1]
        await server.start(listeners)
        client = AsyncAzureOpenAI(
            azure_endpoint=f"http://127.0.0.1:{port}/azure",
            websocket_base_url=f"ws://127.0.0.1:{port}/azure/openai",
            api_version="2026-01-01",
            api_key="sk-client",
        )
        async with client.realtime.connect(model="azure/gpt-realtime") as session:
            event = await session.recv()
            assert event.type == "session.created"
        await gateway.idle()
        assert [one.outcome.kind for one in gateway.settled] == ["answered"]
        await server.drain(0, gateway.end_exchanges)
