"""The gateway of the testing kit, its client, and its provider that follows a script."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientConnectorError, ClientSession

from jackfield.errors import ConfigError
from jackfield.events import Finished, ToolCallDelta
from jackfield.messages import ChatRequest, Message, Text, Tool, ToolCall
from jackfield.testing import (
    CHAT_PATH,
    TESTING_CHAT,
    FakeProvider,
    Gate,
    Reply,
    run_gateway,
)

TWO = '[plugins.a]\nuse = "recorder"\n[plugins.b]\nuse = "recorder"\n'


async def test_a_bare_gateway_echoes() -> None:
    async with run_gateway() as client:
        answer = await client.chat("Hello you")
        assert (answer.status, answer.streaming) == (200, False)
        assert await answer.json() == {
            "model": "echo",
            "text": "Hello you",
            "finish": "stop",
            "usage": {"input": 3, "output": 5},
        }


async def test_a_stream_comes_word_by_word() -> None:
    async with run_gateway() as client:
        answer = await client.chat("Hello you", stream=True)
        events = [event async for event in answer.events()]
        assert events[1:3] == [b'data: {"text":"Hello"}\n\n', b'data: {"text":" you"}\n\n']
        assert events[-1] == b'data: {"end":true}\n\n'
        assert await answer.text() == "Hello you"


async def test_replies_are_taken_in_turn() -> None:
    async with run_gateway() as client:
        client.fake.reply("one")
        client.fake.fail(429, "busy", retry_after=8.2)
        client.fake.always(Reply(("ever",)))
        assert await (await client.chat()).text() == "one"
        refused = await client.chat()
        assert (refused.status, refused.headers["retry-after"]) == (429, "9")
        assert [await (await client.chat()).text() for _ in range(2)] == ["ever", "ever"]


async def test_the_provider_remembers_its_requests_and_how_they_ended() -> None:
    async with run_gateway() as client:
        await client.chat("Hello", model="fake/a", max_tokens=7)
        client.fake.reply("one", cut=True)
        await (await client.chat(stream=True)).read()
        first, second = client.fake.requests
        assert (first.request.model, first.request.max_tokens) == ("a", 7)
        assert (first.ended, second.ended) == ("answered", "answered")
        assert client.settled[1].outcome.kind == "truncated"


async def test_a_gate_holds_a_stream_where_the_test_wants_it() -> None:
    async with run_gateway() as client:
        gate = Gate()
        client.fake.reply("one", "two", gate=gate, at=2)
        answer = await client.chat(stream=True)
        reading = asyncio.create_task(answer.read())
        await gate.reached()
        gate.open()
        assert b"two" in await reading


CALL = ToolCall("call_1", "weather", '{"city": "Bonn"}')


async def test_a_reply_may_call_tools() -> None:
    async with run_gateway("[server]\nfront_doors = ['openai']") as client:
        client.fake.always(Reply(("Let me ", "look."), calls=(CALL,)))
        body = {"model": "fake/m", "messages": [{"role": "user", "content": "Rain?"}]}
        whole = await (await client.post("/v1/chat/completions", json=body)).json()
        message, dialect = whole["choices"][0]["message"], client.settled[-1].exchange.dialect
        assert message["tool_calls"][0]["function"]["arguments"] == CALL.arguments
        answer = await client.post("/v1/chat/completions", json={**body, "stream": True})
        parser = dialect.stream_parser()
        parsed = [one async for event in answer.events() for one in parser.feed(event)]
        pieces = [one.arguments for one in parsed if isinstance(one, ToolCallDelta)]
        assert "".join(pieces) == CALL.arguments
        assert Finished("tool_calls") in parsed


@pytest.mark.parametrize("stream", [False, True])
async def test_the_kits_own_dialect_names_calls_of_tools_as_a_loss(stream: bool) -> None:
    async with run_gateway() as client:
        client.fake.reply("Let me look.", calls=[CALL])
        answer = await client.chat(stream=stream)
        assert await answer.text() == "Let me look."
        losses = client.settled[0].exchange.losses
        assert [loss.feature for loss in losses] == ["messages.toolcall"]


async def test_a_gateway_is_served_on_loopback_while_a_block_runs() -> None:
    async with run_gateway() as client, ClientSession() as session:
        async with client.serve() as url:
            body = {"model": "fake/echo", "messages": [{"role": "user", "text": "Hello"}]}
            async with session.post(url + CHAT_PATH, json=body) as answer:
                assert (await answer.json())["text"] == "Hello"
        with pytest.raises(ClientConnectorError):
            await session.get(url)
    assert len(client.settled) == 1


async def test_a_stream_that_nobody_reads_does_not_keep_the_gateway_from_stopping() -> None:
    async with run_gateway() as client:
        await client.chat(stream=True)
    assert client.settled[0].outcome.kind == "client_gone"


async def test_a_gate_that_nothing_comes_to_is_an_error_and_does_not_hang() -> None:
    async with run_gateway() as client:
        gate = Gate()
        client.fake.reply("one", "two", gate=gate, at=1)
        answer = await client.chat(stream=True)
        with pytest.raises(AssertionError, match="the stream is not read up to there"):
            await gate.reached(within=0)
        gate.open()
        assert await answer.text() == "onetwo"


async def test_a_whole_answer_that_is_cut_never_comes() -> None:
    async with run_gateway("[upstream]\nretries = 0\n") as client:
        client.fake.reply("one", cut=True)
        assert (await client.chat()).status == 502


async def test_recorders_tell_the_order_in_which_they_were_called() -> None:
    async with run_gateway(TWO) as client:
        await client.chat()
        calls = [str(call) for call in client.calls()]
        assert calls[:2] == ["a.pre_request", "b.pre_request"]
        assert calls[-2:] == ["b.post_response", "a.post_response"]


async def test_plugins_can_be_looked_at() -> None:
    async with run_gateway('[providers.second]\nuse = "fake"\nregion = "eu"\n') as client:
        assert isinstance(client.plugin("second"), FakeProvider)
        assert client.plugin("second").config.region == "eu"
        assert await (await client.chat(model="second/echo")).text() == "Hello"


async def test_a_configuration_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"jackfield\.toml:2:1: plugins\.a\.colour: unknown"):
        async with run_gateway('[plugins.a]\ncolour = 1\nuse = "recorder"\n', directory=tmp_path):
            pass


async def test_other_endpoints_and_bodies_can_be_sent() -> None:
    async with run_gateway() as client:
        assert (await client.get("/health")).status == 200
        assert (await client.post(CHAT_PATH, body=b"{")).status == 400
        assert (await client.post("/nowhere?x=1", json={})).status == 404


async def test_the_access_log_can_be_read() -> None:
    async with run_gateway() as client:
        await client.chat("Hello")
        assert "path=/testing/chat status=200 outcome=answered" in client.log()
        assert "Hello" not in client.log()


async def test_two_gateways_may_run_at_a_time() -> None:
    async with run_gateway() as first, run_gateway() as second:
        assert await (await first.chat("one")).text() == "one"
        assert second.fake.requests == []


def test_the_dialect_says_what_it_loses() -> None:
    request = ChatRequest("m", (Message("user", (Text("hi"),)),), tools=(Tool("get"),))
    assert [loss.feature for loss in TESTING_CHAT.render_request(request).losses] == ["tools"]


@pytest.mark.parametrize("body", [b"[]", b'{"model":1}', b'{"model":"m","messages":[{}]}'])
async def test_the_dialect_refuses_what_is_no_request(body: bytes) -> None:
    async with run_gateway() as client:
        assert (await client.post(CHAT_PATH, body=body)).status == 400
