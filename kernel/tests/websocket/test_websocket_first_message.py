"""Sessions whose first message names the model: accepted first, then authorized and routed."""

import asyncio
import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from jackfield import (
    Chunk,
    Exchange,
    Plugin,
    Principal,
    RateLimited,
    Response,
    Unauthenticated,
    hookimpl,
)
from jackfield.plan import Plan

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House, Stage

ALIAS = '[models.talker]\ntargets = ["up/m"]\n'
START = '{ "start":{"model" :"models/talker","temperature": 1.50}}'
WATCH = "[plugins.watch]\n"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def error_of(client: ClientConnection) -> tuple[str, int, str]:
    """The error that a session ends with, and the code and the reason of its close frame."""
    error = json.loads(await client.recv())
    with pytest.raises(ConnectionClosed) as caught:
        await client.recv()
    assert caught.value.rcvd is not None
    return error["message"], caught.value.rcvd.code, caught.value.rcvd.reason


async def opened(house: "House", toml: str = ALIAS, **plugins: type[Plugin]) -> "Stage":
    return await house.gateway(await house.provider(echo), toml, plugins)


@pytest.mark.parametrize("start", [START, START.encode()], ids=["text", "binary"])
async def test_the_first_message_is_routed_and_names_the_providers_model(
    house: "House", start: str | bytes
) -> None:
    stage = await opened(house)
    async with stage.connect("/named?more=1&model=other") as client:
        await client.send(start)
        wanted = START.replace("models/talker", "models/m")
        assert await client.recv() == (wanted if isinstance(start, str) else wanted.encode())
        await client.send('{"tokens": 3}')
        await client.recv()
    outcome = await stage.outcome()
    assert (outcome.kind, outcome.usage.output_tokens) == ("answered", 3)
    exchange = stage.gateway.settled[0].exchange
    assert (exchange.model, str(exchange.attempts[-1].target)) == ("talker", "up/m")
    assert house.paths == ["/v1/talk?more=1&model=other"]


async def test_what_is_sent_at_once_keeps_its_order(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/named") as client:
        sent = [START.replace("talker", "up/m"), *map(str, range(200))]
        for message in sent:
            await client.send(message)
        assert [await client.recv() for _ in sent] == [START.replace("talker", "m"), *sent[1:]]


class Watch(Plugin):
    """Notes when it is called, and leaves exchanges for which it is configured."""

    calls: ClassVar[list[str]] = []
    mutates: ClassVar[frozenset[str]] = frozenset({"request"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        texts = exchange.texts()
        self.calls.append(f"pre_request {exchange.model} {[one.value for one in texts]}")
        if texts and texts[0].value == "leave":
            exchange.leave(self)
        if texts and texts[0].value == "answer":
            return Response(200, b"{}")
        exchange.replace_texts({one.path: one.value.upper() for one in texts})
        return None

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> None:
        self.calls.append(f"route {plan.targets[0]}")

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        self.calls.append("chunk")

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Any) -> None:
        self.calls.append(f"post_response {outcome.kind}")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    Watch.calls.clear()


def prompt(text: str) -> str:
    return json.dumps({"start": {"model": "talker", "prompt": text}})


async def test_hooks_are_called_once_with_the_first_message(house: "House") -> None:
    stage = await opened(house, ALIAS + WATCH, watch=Watch)
    async with stage.connect("/named") as client:
        assert Watch.calls == []
        await client.send(prompt("hi"))
        assert json.loads(await client.recv())["start"] == {"model": "models/m", "prompt": "HI"}
    await stage.outcome()
    wanted = ["pre_request talker ['hi']", "route up/m", "chunk", "chunk", "post_response answered"]
    assert Watch.calls == wanted


async def test_a_plugin_that_leaves_gets_no_more_chunks(house: "House") -> None:
    stage = await opened(house, ALIAS + WATCH, watch=Watch)
    async with stage.connect("/named") as client:
        await client.send(prompt("leave"))
        await client.recv()
    await stage.outcome()
    assert Watch.calls == ["pre_request talker ['leave']"]


async def test_what_a_plugin_answers_by_itself_ends_the_session(house: "House") -> None:
    stage = await opened(house, ALIAS + WATCH, watch=Watch)
    async with stage.connect("/named") as client:
        await client.send(prompt("answer"))
        error, code, _ = await error_of(client)
    assert ("answered by itself" in error, code, house.paths) == (True, 1011, [])


class Door(Plugin):
    """Lets in whoever has a key, and refuses one model."""

    authenticates: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if "authorization" not in exchange.request.headers:
            raise Unauthenticated("No key.")
        if exchange.model == "up/busy":
            raise RateLimited("Too busy.")
        exchange.set_principal(Principal("t", permissions=frozenset({"inference"})))


async def test_who_has_no_key_is_refused_before_the_session_opens(house: "House") -> None:
    stage = await opened(house, ALIAS + "[plugins.door]\n" + WATCH, door=Door, watch=Watch)
    with pytest.raises(InvalidStatus) as caught:
        await stage.connect("/named")
    assert caught.value.response.status_code == 401
    assert (await stage.outcome()).kind == "refused"
    assert Watch.calls == []


async def test_a_refusal_of_the_model_is_a_message(house: "House") -> None:
    stage = await opened(house, "[plugins.door]\n", door=Door)
    headers = {"authorization": "Bearer k"}
    async with stage.connect("/named", additional_headers=headers) as client:
        await client.send('{"start": {"model": "up/busy"}}')
        assert await error_of(client) == ("Too busy.", 1008, "rate_limited")
    outcome = await stage.outcome()
    assert (outcome.kind, outcome.status, house.paths) == ("refused", 429, [])


@pytest.mark.parametrize(
    ("message", "why", "code"),
    [
        ('{"start": {"model": "nobody/x"}}', "There is no model 'nobody/x'", 1008),
        ('{"start": {}}', "must name the model: `start.model`", 1008),
        ('{"start": {"model": 7}}', "must name the model", 1008),
        (json.dumps({"start": {"model": "m" * 300}}), "at most 256", 1008),
        ("[1]", "must name the model", 1008),
        ("hello", "not valid JSON", 1008),
        (b"\xff\x00", "not valid JSON", 1008),
        ('{"start": {"model": "a", "model": "b"}}', "twice", 1008),
        ("x" * (1 << 20) + "x", "more than", 1009),
    ],
)
async def test_a_first_message_that_names_no_known_model_ends_the_session(
    house: "House", message: str | bytes, why: str, code: int
) -> None:
    more = '[providers.two]\nuse = "voice"\nbase_url = "http://127.0.0.1:9"\n'
    stage = await opened(house, more)
    async with stage.connect("/named") as client:
        await client.send(message)
        error, closed, _ = await error_of(client)
    assert (why in error, closed) == (True, code), error
    assert ((await stage.outcome()).kind, house.paths) == ("refused", [])


async def test_a_first_message_that_does_not_come_ends_the_session(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/hasty") as client:
        error, code, _ = await error_of(client)
    assert ("came within 0.01 s" in error, code) == (True, 1008)
    outcome = await stage.outcome()
    assert (outcome.kind, outcome.status) == ("refused", 400)


async def test_a_dialect_that_fails_ends_the_session(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/odd") as client:
        await client.send(START)
        assert (await error_of(client))[1:] == (1011, "internal_error")
    assert (await stage.outcome()).kind == "failed"


async def test_a_client_that_says_nothing_may_leave(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/named") as client:
        pass
    assert client.close_code == 1000
    async with stage.connect("/named") as client:
        client.transport.abort()
    await stage.gateway.idle()
    kinds = [settled.outcome.kind for settled in stage.gateway.settled]
    assert (kinds, house.paths) == (["client_gone"] * 2, [])


async def test_a_waiting_session_is_closed_at_a_shutdown(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/named") as client:
        ending = asyncio.create_task(stage.gateway.end_exchanges())
        error, code, _ = await error_of(client)
        await ending
    assert ("shutting down" in error, code) == (True, 1001)
    assert (await stage.outcome()).kind == "shutdown"


async def test_a_provider_that_refuses_gives_way_to_the_next(house: "House") -> None:
    more = '[providers.gone]\nuse = "voice"\nbase_url = "http://127.0.0.1:9"\n'
    more += '[models.talker]\ntargets = ["gone/x"]\nfallbacks = ["up/m"]\n'
    stage = await opened(house, more)
    async with stage.connect("/named") as client:
        await client.send(START)
        assert json.loads(await client.recv())["start"]["model"] == "models/m"
    await stage.outcome()
    targets = [str(one.target) for one in stage.gateway.settled[0].exchange.attempts]
    assert targets == ["gone/x", "up/m"]


async def test_an_offered_protocol_is_chosen_before_the_provider_is_known(house: "House") -> None:
    stage = await opened(house)
    async with stage.connect("/named", subprotocols=["other", "voice"]) as client:
        assert client.subprotocol == "voice"
        await client.send(START)
        await client.recv()
    assert house.headers[0]["sec-websocket-protocol"] == "voice"
