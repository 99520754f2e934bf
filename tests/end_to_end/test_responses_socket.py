"""OpenAI's own client of the Responses API over a WebSocket, through the gateway."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import define, field
from openai import AsyncOpenAI
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from jackfield import Usage
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing.gateway import ObservedGateway, observed_gateway

TOML = """
[upstream]
retries = 0
[providers.up]
use = "openai"
base_url = "http://127.0.0.1:{port}/v1"
keys = ["env:UP_KEY"]
[models.talker]
targets = ["up/gpt-5"]
"""
USED = {"input_tokens": 5, "output_tokens": 2}


@define(eq=False)
class Stage:
    """A gateway behind its server, and what its provider has received."""

    received: list[Any] = field(factory=list)
    paths: list[str] = field(factory=list)
    gateway: ObservedGateway = field(init=False)
    port: int = field(init=False)

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="sk-client")

    async def answer(self, connection: ServerConnection) -> None:
        """A provider that says hello to every request."""
        assert connection.request is not None
        self.paths.append(connection.request.path)
        async for message in connection:
            self.received.append(json.loads(message))
            response = {"id": "r", "output": [], "usage": USED}
            for event in (
                {"type": "response.output_text.delta", "delta": "Hello"},
                {"type": "response.completed", "response": response},
            ):
                await connection.send(json.dumps(event))


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("UP_KEY", "sk-provider")
    opened = Stage()
    async with serve(opened.answer, "127.0.0.1", 0) as provider:
        (socket,) = provider.sockets
        opened.gateway = observed_gateway(TOML.format(port=socket.getsockname()[1]))
        async with opened.gateway:
            server, listeners = Server(opened.gateway.frontend), bind_all(["127.0.0.1:0"])
            opened.port = listeners[0].getsockname()[1]
            await server.start(listeners)
            yield opened
            await server.drain(0, opened.gateway.end_exchanges)


async def kinds_of(connection: Any) -> list[str]:
    """The kinds of events up to the end of a response."""
    kinds: list[str] = []
    async for event in connection:
        kinds.append(event.type)
        if event.type == "response.completed":
            break
    return kinds


async def test_the_official_client_talks_to_an_alias(stage: Stage) -> None:
    async with stage.client().responses.connect() as connection:
        await connection.response.create(model="talker", input="Hi")
        assert await kinds_of(connection) == ["response.output_text.delta", "response.completed"]
        await connection.response.create(
            model="talker", input="And?", previous_response_id="r", metadata={"model": "x"}
        )
        assert len(await kinds_of(connection)) == 2
    await stage.gateway.idle()
    assert [one["model"] for one in stage.received] == ["gpt-5", "gpt-5"]
    assert stage.paths == ["/v1/responses"]
    (settled,) = stage.gateway.settled
    assert settled.exchange.model == "talker"
    used = settled.outcome.usage
    assert isinstance(used, Usage)
    assert (used.input_tokens, used.output_tokens, len(used.bills)) == (10, 4, 2)


async def test_a_request_that_names_no_model_gets_the_sessions(stage: Stage) -> None:
    async with stage.client().responses.connect() as connection:
        await connection.response.create(model="talker", input="Hi")
        await kinds_of(connection)
        await connection.response.create(prompt={"id": "pmpt_1"}, input="And?")
        await kinds_of(connection)
    assert stage.received[1]["model"] == "gpt-5"


async def test_another_model_in_the_same_session_is_refused(stage: Stage) -> None:
    async with stage.client().responses.connect() as connection:
        await connection.response.create(model="talker", input="Hi")
        await kinds_of(connection)
        await connection.response.create(model="gpt-5-pro", input="And?")
        event: Any = await connection.recv()
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    assert (event.type, event.status, event.error.param) == ("error", 400, "model")
    assert len(stage.received) == 1


async def test_an_unknown_model_is_reported_as_an_event(stage: Stage) -> None:
    async with stage.client().responses.connect() as connection:
        await connection.response.create(model="nobody/x" + "x" * 300, input="Hi")
        event: Any = await connection.recv()
    assert (event.type, event.status, event.error.param) == ("error", 400, "model")
    assert stage.paths == []
