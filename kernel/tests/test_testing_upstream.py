"""The HTTP server of the testing kit, in front of a real HTTP provider."""

from jackfield.http_provider import HttpProvider
from jackfield.testing import (
    CHAT_ENDPOINT,
    TESTING_CHAT,
    FakeUpstream,
    Gate,
    UpstreamReply,
    run_gateway,
)

ANSWER = b'{"model":"m","text":"Hello"}'
EVENTS = [b'data: {"model":"m"}\n\n', b'data: {"text":"Hello"}\n\n', b'data: {"end":true}\n\n']


class Api(HttpProvider):
    """An API that speaks the dialect of the kit."""

    dialects = (TESTING_CHAT,)
    endpoints = (CHAT_ENDPOINT,)


def toml(upstream: FakeUpstream) -> str:
    return f'[upstream]\nretries = 0\n[providers.api]\nbase_url = "{upstream.base_url}/v1"\n'


async def test_it_answers_and_keeps_the_request_byte_for_byte() -> None:
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        upstream.reply(ANSWER, headers={"x-test": "1"})
        answer = await client.chat("Hello", model="api/m")
        assert await answer.read() == ANSWER
        (received,) = upstream.requests
        assert (received.method, received.path) == ("POST", "/v1/chat")
        assert received.head.startswith(b"POST /v1/chat HTTP/1.1\r\n")
        assert received.headers["content-length"] == str(len(received.body))
        assert received.body == b'{"model":"m","messages":[{"role":"user","text":"Hello"}]}'


async def test_it_streams_in_any_parts() -> None:
    whole = b"".join(EVENTS)
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        for parts in (EVENTS, [whole], [whole[at : at + 5] for at in range(0, len(whole), 5)]):
            upstream.stream(parts)
            answer = await client.chat(model="api/m", stream=True)
            assert await answer.read() == whole


async def test_it_can_break_off_and_close() -> None:
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        upstream.stream(EVENTS[:2], framing="cut")
        answer = await client.chat(model="api/m", stream=True)
        assert b"stream_truncated" in await answer.read()
        upstream.reply(ANSWER, framing="close")
        assert await (await client.chat(model="api/m")).read() == ANSWER


async def test_it_says_that_it_has_no_reply() -> None:
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        assert (await client.chat(model="api/m")).status == 500
        upstream.always(UpstreamReply(200, (ANSWER,), framing="length"))
        assert [(await client.chat(model="api/m")).status for _ in range(2)] == [200, 200]


async def test_it_holds_a_stream_at_a_gate_and_sees_who_leaves() -> None:
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        gate = Gate()
        upstream.stream(EVENTS, gate=gate, at=1)
        answer = await client.chat(model="api/m", stream=True)
        assert await anext(answer.events()) == EVENTS[0]
        await gate.reached()
        await answer.disconnect()
        assert client.settled[0].outcome.kind == "client_gone"


async def test_values_are_sent_and_read_as_json() -> None:
    async with FakeUpstream() as upstream, run_gateway(toml(upstream), {"api": Api}) as client:
        upstream.reply_json({"model": "m", "text": "Hello"}, 201)
        answer = await client.chat("Hello", model="api/m")
        assert (answer.status, await answer.text()) == (201, "Hello")
        assert upstream.requests[0].json()["messages"] == [{"role": "user", "text": "Hello"}]
