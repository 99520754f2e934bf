"""The usage of streams: requested where it must be, and shown only to clients that requested it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from jackfield import Exchange, Plugin, hookimpl, sse
from jackfield.testing import FakeUpstream, Gate, run_gateway


def chunk(choices: str, usage: str = "null") -> bytes:
    head = '"id":"c","object":"chat.completion.chunk","created":1,"model":"m"'
    return f'data: {{{head},"choices":[{choices}],"usage":{usage}}}\n\n'.encode()


HELLO = chunk('{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}')
STOP = chunk('{"index":0,"delta":{},"finish_reason":"stop"}')
USED = chunk("", '{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}')
DONE = b"data: [DONE]\n\n"
BODY = b'{"model":"up/m","stream":true, "messages":[{"role":"user","content":"Hi"}]}'


class Accountant(Plugin):
    """Wants to know what is used."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Ask."""
        exchange.usage_wanted = True


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def gateway(upstream: FakeUpstream, *, wanted: bool = True, more: str = "") -> Any:
    url = f"{upstream.base_url}/v1"
    toml = f'[providers.up]\nuse = "openai"\nbase_url = "{url}"\n{more}'
    plugins = "[plugins.accountant]\n" if wanted else ""
    return run_gateway(plugins + toml, {"accountant": Accountant})


async def test_a_provider_is_asked_for_usage_and_the_client_does_not_notice(
    upstream: FakeUpstream,
) -> None:
    upstream.stream([HELLO, STOP, USED, DONE])
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        assert await answer.read() == HELLO + STOP + DONE
        outcome = client.settled[0].outcome
    forwarded = upstream.requests[0].body
    assert forwarded == BODY.replace(b"up/m", b"m").replace(
        b"{", b'{"stream_options":{"include_usage":true},', 1
    )
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (7, 2)
    assert outcome.usage_complete


async def test_events_that_come_in_one_batch_are_separated(upstream: FakeUpstream) -> None:
    upstream.stream([HELLO + STOP + USED + DONE])
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        assert await answer.read() == HELLO + STOP + DONE


async def test_a_client_that_asks_itself_gets_the_usage(upstream: FakeUpstream) -> None:
    body = BODY.replace(b"{", b'{"stream_options": {"include_usage": true}, ', 1)
    upstream.stream([HELLO, STOP, USED, DONE])
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=body)
        assert await answer.read() == HELLO + STOP + USED + DONE
    assert upstream.requests[0].body == body.replace(b"up/m", b"m")


async def test_nothing_is_asked_where_nobody_wants_to_know(upstream: FakeUpstream) -> None:
    upstream.stream([HELLO, STOP, USED, DONE])
    async with gateway(upstream, wanted=False) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        assert await answer.read() == HELLO + STOP + USED + DONE
    assert upstream.requests[0].body == BODY.replace(b"up/m", b"m")


async def test_what_azure_sends_without_choices_is_not_hidden(upstream: FakeUpstream) -> None:
    filtered = b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n'
    upstream.stream([filtered, HELLO, STOP, USED, DONE])
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        assert await answer.read() == filtered + HELLO + STOP + DONE


async def test_a_server_that_refuses_the_question_is_asked_without_it(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(b'{"error":{"message":"Unknown field: stream_options"}}', 400)
    for _ in range(2):
        upstream.stream([HELLO, STOP, DONE])
    async with gateway(upstream) as client:
        for _ in range(2):
            answer = await client.post("/v1/chat/completions", body=BODY)
            assert await answer.read() == HELLO + STOP + DONE
    bodies = [b"stream_options" in request.body for request in upstream.requests]
    assert bodies == [True, False, False]


async def test_a_translated_request_asks_for_usage_too(upstream: FakeUpstream) -> None:
    upstream.stream([HELLO, STOP, USED, DONE])
    more = 'dialects = ["openai.chat"]\n[server]\nfront_doors = ["anthropic"]\n'
    body = {"model": "up/m", "max_tokens": 9, "stream": True}
    async with gateway(upstream, more=more) as client:
        messages = [{"role": "user", "content": "Hi"}]
        answer = await client.post("/anthropic/v1/messages", json={**body, "messages": messages})
        assert b'"output_tokens":2' in await answer.read()
    sent = msgspec.json.decode(upstream.requests[0].body)
    assert sent["stream_options"] == {"include_usage": True}


async def test_a_cut_stream_has_no_usage(upstream: FakeUpstream) -> None:
    upstream.stream([HELLO, HELLO], framing="cut")
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        await answer.read()
        outcome = client.settled[0].outcome
    assert (outcome.kind, outcome.usage, outcome.usage_complete) == ("truncated", None, False)
    assert outcome.events == 2


async def test_a_client_that_leaves_early_leaves_an_incomplete_usage(
    upstream: FakeUpstream,
) -> None:
    upstream.stream([HELLO, HELLO, STOP, DONE], gate=Gate(), at=2)
    async with gateway(upstream) as client:
        answer = await client.post("/v1/chat/completions", body=BODY)
        seen = 0
        async for batch in answer.batches():
            seen += len(sse.split(batch))
            if seen == 2:
                break
        await answer.disconnect()
        outcome = client.settled[0].outcome
    assert (outcome.kind, outcome.usage_complete, outcome.events) == ("client_gone", False, 2)


async def test_the_usage_at_the_beginning_of_a_cut_stream_is_kept(upstream: FakeUpstream) -> None:
    begun = (
        b"event: message_start\n"
        b'data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
        b'"content":[],"model":"m","usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
    )
    upstream.stream([begun], framing="cut")
    toml = f'[plugins.accountant]\n[providers.anthropic]\nbase_url = "{upstream.base_url}"\n'
    async with run_gateway(toml, {"accountant": Accountant}) as client:
        body = {"model": "anthropic/m", "max_tokens": 9, "stream": True}
        messages = [{"role": "user", "content": "Hi"}]
        answer = await client.post("/anthropic/v1/messages", json={**body, "messages": messages})
        await answer.read()
        outcome = client.settled[0].outcome
    assert outcome.usage is not None
    assert (outcome.usage.input_tokens, outcome.usage_complete) == (25, False)
