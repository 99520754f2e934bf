"""Sessions through the gateway: what passes, what the hooks see, and how they end."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from jackfield.testing import Recorder

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House, Stage

RECORDER = '[plugins.recorder]\nuse = "recorder"\n'


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def refused(stage: "Stage", path: str, **options: object) -> tuple[int, bytes]:
    """Status and body of a request for a session that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        await stage.connect(path, **options)
    return caught.value.response.status_code, bytes(caught.value.response.body or b"")


@pytest.mark.parametrize(
    "message", ["", "é" * 10, "x" * 70_000, b"", b"\x00\xff" * 300_000], ids=len
)
async def test_messages_come_back_as_they_were(
    echoing: ClientConnection, message: str | bytes
) -> None:
    await echoing.send(message)
    assert await echoing.recv() == message


async def test_fragments_arrive_as_one_message(echoing: ClientConnection) -> None:
    await echoing.send(["one ", "two ", "three"])
    assert await echoing.recv() == "one two three"


async def test_many_messages_keep_their_order(echoing: ClientConnection) -> None:
    sent = [str(number) * (number % 50) for number in range(500)]
    for message in sent:
        await echoing.send(message)
    assert [await echoing.recv() for _ in sent] == sent


async def test_the_provider_gets_the_model_and_its_own_key(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    path = "/voice?model=up%2Fa%20b&voice=alto&api_key=secret"
    async with stage.connect(path, additional_headers={"Authorization": "Bearer sk-client"}):
        pass
    assert house.paths == ["/v1/talk?voice=alto&model=a%20b"]
    assert house.headers[0]["authorization"] == "Bearer sk-provider"
    assert "sk-client" not in str(house.headers[0])


async def test_a_session_need_not_name_a_model(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    async with stage.connect("/voice?call_id=rtc_1"):
        pass
    assert house.paths == ["/v1/talk?call_id=rtc_1"]


class KeyCheck(Plugin):
    authenticates = True
    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        if exchange.request.headers.get("authorization") != "Bearer sk-client":
            raise Unauthenticated("Who are you?")
        assert "sk-client" not in exchange.request.headers.get("sec-websocket-protocol", "")
        exchange.set_principal(Principal("me", permissions=frozenset({"inference"})))
        return None


async def test_a_key_hidden_in_a_protocol_is_read_and_goes_no_further(house: "House") -> None:
    url = await house.provider(echo, subprotocols=["voice.beta"])
    stage = await house.gateway(url, "[plugins.check]\n", {"check": KeyCheck})
    offered = ["voice", "key.sk-client", "voice.beta", "other"]
    async with stage.connect(subprotocols=offered) as client:
        assert client.subprotocol == "voice.beta"
    assert house.headers[0]["sec-websocket-protocol"] == "voice, voice.beta"


async def test_a_browser_gets_one_of_its_protocols_though_the_provider_names_none(
    house: "House",
) -> None:
    url = await house.provider(echo, select_subprotocol=lambda *_: None)
    stage = await house.gateway(url)
    async with stage.connect(subprotocols=["other", "voice"]) as client:
        assert client.subprotocol == "voice"


async def test_an_unknown_key_is_refused_before_the_session_opens(house: "House") -> None:
    stage = await house.gateway(
        await house.provider(echo), "[plugins.check]\n", {"check": KeyCheck}
    )
    for path in ("/voice?model=up/m", "/voice", "/voice?model=" + "x" * 300):
        assert (await refused(stage, path, subprotocols=["key.sk-other"]))[0] == 401
    assert house.paths == []


class Refusing(Plugin):
    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        raise RateLimited("Slowly.", retry_after=7)


async def test_a_refusal_is_an_ordinary_answer(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), "[plugins.no]\n", {"no": Refusing})
    with pytest.raises(InvalidStatus) as caught:
        await stage.connect()
    response = caught.value.response
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert json.loads(response.body or b"") == {"error": "rate_limited", "message": "Slowly."}
    assert (await stage.outcome()).kind == "refused"


@pytest.mark.parametrize(
    ("path", "status"), [("/voice?model=none/m", 404), ("/testing/chat", 405), ("/health", 405)]
)
async def test_a_session_opens_nowhere_else(house: "House", path: str, status: int) -> None:
    url = await house.provider(echo)
    stage = await house.gateway(
        url, '[providers.two]\nuse = "voice"\nbase_url = "http://[::1]:9"\n'
    )
    assert (await refused(stage, path))[0] == status


async def test_a_page_of_another_site_opens_none(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    assert (await refused(stage, "/voice", origin="https://evil.example"))[0] == 403


async def test_every_hook_has_its_place(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), RECORDER)
    async with stage.connect() as client:
        for text in ('{"tokens": 3}', '{"tokens": 4, "text": "hi"}'):
            await client.send(text)
            await client.recv()
    outcome = await stage.outcome()
    (calls,) = [p.calls for p in stage.gateway.loaded.plugins if isinstance(p, Recorder)]
    assert [call.hook for call in calls] == [
        "pre_request",
        "route",
        "call_provider",
        *["on_stream_chunk"] * 3,
        "post_response",
    ]
    chunks = [call.given for call in calls if call.hook == "on_stream_chunk"]
    assert [[span.value for span in chunk.texts()] for chunk in chunks] == [[], ["hi"], []]
    assert [chunk.final for chunk in chunks] == [False, False, True]
    assert (outcome.kind, outcome.status, outcome.usage.output_tokens) == ("answered", 101, 7)


class Shouting(Plugin):
    """Rewrites texts, repeats one text, drops another, and stops at a third."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        found = {span.path: span.value for span in chunk.texts()}
        text = "".join(found.values())
        if text == "hush":
            return []
        if text == "stop":
            return [Chunk(chunk.data, chunk.dialect, final=True)]
        louder = chunk.with_texts({path: value.upper() for path, value in found.items()})
        return [louder, louder] if text == "twice" else [louder]


async def test_a_plugin_rewrites_what_the_provider_says(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), "[plugins.s]\n", {"s": Shouting})
    async with stage.connect() as client:
        for text in ("a", "hush", "twice", "stop", "late"):
            await client.send(json.dumps({"text": text}))
        found = [json.loads(message)["text"] async for message in client]
    assert found == ["A", "TWICE", "TWICE", "stop"]
    assert client.close_code == 1000
    assert (await stage.outcome()).kind == "answered"


class Breaking(Plugin):
    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        raise RateLimited("Enough.")


async def test_a_plugin_breaks_a_session_off(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), "[plugins.b]\n", {"b": Breaking})
    async with stage.connect() as client:
        await client.send("{}")
        assert json.loads(await client.recv())["error"] == "rate_limited"
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert (client.close_code, client.close_reason) == (1008, "rate_limited")
    assert (await stage.outcome()).kind == "truncated"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_provider_learns_why_the_client_closes(house: "House", code: int) -> None:
    received: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        await received.put((connection.close_code, connection.close_reason))

    stage = await house.gateway(await house.provider(listen))
    async with stage.connect() as client:
        await client.close(code, "bye")
    assert await received.get() == (code, "bye")
    assert client.close_code == code
    assert (await stage.outcome()).kind == "answered"


@pytest.mark.parametrize("code", [1000, 1008, 1011, 4001])
async def test_the_client_learns_why_the_provider_closes(house: "House", code: int) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(code, "that was all")

    stage = await house.gateway(await house.provider(leave))
    async with stage.connect() as client:
        assert await client.recv() == "last words"
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert (client.close_code, client.close_reason) == (code, "that was all")
    assert (await stage.outcome()).kind == "answered"


async def test_shutting_down_ends_a_session(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    async with stage.connect() as client:
        await client.send("{}")
        await client.recv()
        await stage.server.drain(0.05, stage.gateway.end_exchanges)
        assert json.loads(await client.recv())["error"] == "shutting_down"
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert client.close_code == 1001
    assert (await stage.outcome()).kind == "shutdown"


async def test_a_session_that_closes_in_time_is_not_cut_by_a_shutdown(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    async with stage.connect() as client:
        draining = asyncio.create_task(stage.server.drain(10))
        await client.send("still here")
        assert await client.recv() == "still here"
    await draining
    assert client.close_code == 1000
    assert (await stage.outcome()).kind == "answered"
