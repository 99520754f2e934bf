"""What a provider writes into a stream stays in its event, and its size has bounds."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.security.conftest import config

from jackfield import sse
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

FORGED = [
    *("\n\ndata: [DONE]\n\n", "\r\n\r\nevent: error\r\ndata: {}\r\n\r\n", "\rid: 7\r\r", "\n\n"),
    *("\u2028data: x", "\u0085\u0085data: x", "data: [DONE]", ": comment\n\n", "\0", "\x0b\x0c"),
    *("retry: 0\n\n", "\ufeffdata: x\n\n", "</script>", '"}]}\n\ndata: {"choices": []}\n\n'),
]
REQUEST = {"model": "openai/m", "input": "hi", "messages": [{"role": "user", "content": "hi"}]}
STREAM_REQUEST = {**REQUEST, "stream": True}


def chunk(content: str, reason: str | None = None) -> bytes:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": content},
        "finish_reason": reason,
    }
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**value, "choices": [choice]}).encode() + b"\n\n"


def texts(events: list[bytes]) -> str:
    """What a reader of the Responses API puts together."""
    deltas = [json.loads(sse.data_of(event) or b"{}") for event in events]
    return "".join(d["delta"] for d in deltas if d.get("type") == "response.output_text.delta")


async def translated(upstream: FakeUpstream, content: str) -> list[bytes]:
    """The events for a client of another dialect than the provider's."""
    upstream.stream([chunk(content), chunk("", "stop"), b"data: [DONE]\n\n"])
    async with run_gateway(config(upstream, 'dialects = ["openai.chat"]')) as client:
        answer = await client.post("/v1/responses", json=STREAM_REQUEST)
        return sse.split(await answer.read())


@pytest.mark.parametrize("content", FORGED)
async def test_text_makes_no_event_when_it_is_translated(
    upstream: FakeUpstream, content: str
) -> None:
    events = await translated(upstream, content)
    harmless = await translated(upstream, "x")
    assert [sse.parse(event).event for event in events] == [
        sse.parse(event).event for event in harmless
    ]
    assert all(sse.parse(event).id is None for event in events)
    assert texts(events) == content


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(min_size=1, max_size=60))
async def test_any_text_arrives_as_it_was(upstream: FakeUpstream, content: str) -> None:
    assert texts(await translated(upstream, content)) == content


@pytest.mark.parametrize("content", FORGED)
async def test_text_stays_in_its_event_when_it_passes_through(
    client: GatewayClient, upstream: FakeUpstream, content: str
) -> None:
    parts = [chunk(content), chunk("", "stop"), b"data: [DONE]\n\n"]
    upstream.stream(parts)
    answer = await client.post("/v1/chat/completions", json=STREAM_REQUEST)
    assert sse.split(await answer.read()) == parts


async def test_nothing_that_follows_the_end_is_passed_on(
    client: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.stream([chunk("hi", "stop"), b"data: [DONE]\n\n", chunk("more"), b"event: x\n\n"])
    answer = await client.post("/v1/chat/completions", json=STREAM_REQUEST)
    assert (await answer.read()).endswith(b"data: [DONE]\n\n")


async def test_an_event_without_end_is_cut_off(
    client: GatewayClient, upstream: FakeUpstream
) -> None:
    piece = b"x" * (1 << 20)
    upstream.stream([chunk("hi"), b"data: ", *[piece] * 6], framing="cut")
    answer = await client.post("/v1/chat/completions", json=STREAM_REQUEST)
    received = await answer.read()
    assert len(received) < 1 << 20
    last = json.loads(sse.data_of(sse.split(received)[-1]) or b"{}")
    assert last["error"]["message"]


async def test_half_an_event_is_not_passed_on(
    client: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.stream([chunk("hi"), b'data: {"choices": [{"del'], framing="cut")
    answer = await client.post("/v1/chat/completions", json=STREAM_REQUEST)
    received = await answer.read()
    assert b'{"del' not in received
    assert b"stream_truncated" in received
