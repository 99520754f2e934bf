"""Streams, from a server and to its clients, however they are cut."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.events import (
    Ended,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from jackfield.messages import ChatRequest, Message, Text, Usage
from jackfield.sse import data_of, split
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_tgi import GENERATE

WIRE = (
    'data:{"index":1,"token":{"id":7,"text":"Zwölf","logprob":-0.5,"special":false},'
    '"generated_text":null,"details":null}\n\n'
    ": comment\n\n"
    'data:{"index":2,"token":{"id":8,"text":" \\"generated_text\\":null 🙂","logprob":-0.25,'
    '"special":false},"generated_text":null,"details":null}\n\n'
    'data:{"index":3,"token":{"id":2,"text":"</s>","logprob":0,"special":true},'
    '"generated_text":"Zwölf \\"generated_text\\":null 🙂","details":{"finish_reason":"eos_token",'
    '"generated_tokens":3,"input_length":4,"seed":18446744073709551615}}\n\n'
).encode()
TEXT = 'Zwölf "generated_text":null 🙂'
ERROR = b'data:{"error":"Request failed during generation","error_type":"generation"}\n\n'
CHAT = {"model": "tgi/gemma", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


def config(server: FakeUpstream) -> str:
    return f'[upstream]\nretries = 0\n[providers.tgi]\nbase_url = "{server.base_url}"'


def parsed(wire: bytes) -> list[StreamEvent]:
    parser = GENERATE.stream_parser()
    return [event for one in split(wire) for event in parser.feed(one)] + list(parser.close())


def rendered(events: Sequence[StreamEvent], **parameters: Any) -> list[dict[str, Any]]:
    request = GENERATE.parse_request({"inputs": "Hello", "parameters": parameters}, {})
    renderer = GENERATE.stream_renderer(request)
    wire = b"".join(renderer.render(event) for event in events)
    return [json.loads(data_of(event) or b"") for event in split(wire)]


async def chat(client: GatewayClient) -> bytes:
    answer = await client.post("/v1/chat/completions", json=CHAT)
    return await answer.read()


def text_of(wire: bytes) -> str:
    """The text of a stream in OpenAI's dialect."""
    events = [
        json.loads(data) for one in split(wire) if (data := data_of(one)) != b"[DONE]" and data
    ]
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in event["choices"]
    )


def test_a_stream_is_read() -> None:
    assert parsed(WIRE) == [
        Started("", ""),
        TextDelta(0, "Zwölf"),
        TextDelta(0, ' "generated_text":null 🙂'),
        Finished("stop", detail="eos_token"),
        UsageReported(Usage(4, 3)),
        Ended(),
    ]


def test_an_error_in_a_stream_is_read() -> None:
    assert parsed(ERROR) == [Failed("Request failed during generation", "generation")]


def test_the_end_of_a_stream_is_known() -> None:
    assert [GENERATE.terminal(event) for event in split(WIRE)] == [None, None, None, "end"]
    assert GENERATE.terminal(ERROR) == "error"
    assert GENERATE.terminal(b"data: [DONE]\n\n") is None
    assert GENERATE.terminal(GENERATE.stop_marker) == "end"


def test_the_usage_of_a_stream_is_known() -> None:
    meter = GENERATE.usage_meter()
    meter.feed(WIRE)
    meter.feed(b": comment\n\n")
    assert meter.usage() == Usage(4, 3)
    assert GENERATE.usage_meter().usage() is None


def test_probabilities_are_read_where_they_were_requested() -> None:
    event = (
        b'data:{"index":1,"token":{"id":7,"text":"A","logprob":-0.5,"special":false},"top_tokens":'
        b'[{"id":8,"text":"B","logprob":-0.75,"special":false}],"generated_text":null}\n\n'
    )
    other = {"token": "B", "logprob": -0.75, "bytes": [66]}
    entry = {"token": "A", "logprob": -0.5, "bytes": [65], "top_logprobs": [other]}
    assert parsed(event)[1] == TextDelta(0, "A", logprobs={"content": [entry]})
    written = rendered(parsed(event), top_n_tokens=1)[0]
    assert (written["token"]["text"], written["token"]["logprob"]) == ("A", -0.5)
    assert (written["top_tokens"][0]["text"], written["top_tokens"][0]["logprob"]) == ("B", -0.75)


def test_a_stream_is_written_and_read_again() -> None:
    events = parsed(WIRE)
    renderer = GENERATE.stream_renderer(
        GENERATE.parse_request({"inputs": "Hello", "parameters": {"details": True}}, {})
    )
    assert parsed(b"".join(renderer.render(event) for event in events)) == events
    assert renderer.losses == []


def test_the_last_event_has_the_whole_text() -> None:
    events = rendered(parsed(WIRE), details=True, return_full_text=True)
    assert [event["index"] for event in events] == [1, 2, 3]
    assert [event["generated_text"] for event in events] == [None, None, "Hello" + TEXT]
    assert events[-1]["token"] == {"id": 0, "text": "", "logprob": 0.0, "special": True}
    details = {"finish_reason": "eos_token", "generated_tokens": 3, "seed": None, "input_length": 4}
    assert events[-1]["details"] == details
    assert rendered(parsed(WIRE))[-1]["details"] is None


def test_what_a_stream_of_tgi_cannot_say_is_named() -> None:
    request = ChatRequest("m", (Message("user", (Text("Hello"),)),))
    renderer = GENERATE.stream_renderer(request)
    for _ in range(2):
        assert renderer.render(ReasoningDelta(0, "Hm.")) == b""
        assert b"No." in renderer.render(RefusalDelta(1, "No."))
    assert [loss.feature for loss in renderer.losses] == ["reasoning", "refusals"]


@pytest.mark.parametrize("kind", [None, "server_error", "generation"])
def test_an_error_ends_a_stream(kind: str | None) -> None:
    assert rendered([Started("", ""), Failed("It broke.", kind)]) == [
        {"error": "It broke.", "error_type": "generation"}
    ]


async def test_a_stream_arrives_whole_wherever_it_is_cut_in_two() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for at in range(1, len(WIRE)):
            server.stream([WIRE[:at], WIRE[at:]])
            wire = await chat(client)
            assert text_of(wire) == TEXT, at
            assert wire.endswith(b"data: [DONE]\n\n"), at
        assert {one.path for one in server.requests} == {"/generate_stream"}


@pytest.mark.parametrize("framing", ["chunked", "cut"])
async def test_a_stream_that_breaks_off_anywhere_is_never_a_whole_one(framing: Any) -> None:
    ending = WIRE.rindex(b"data:")
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for at in range(1, ending, 7):
            server.stream([WIRE[:at]], framing=framing)
            wire = await chat(client)
            assert b'"error"' in wire, at
            assert b"[DONE]" not in wire, at
            assert client.settled[-1].outcome.kind != "answered", at


async def test_a_cut_stream_is_reported_to_a_client_of_tgi_in_its_own_form() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        server.stream([WIRE[:200]])
        answer = await client.post("/tgi/generate_stream", json={"inputs": "Hello"})
        events = split(await answer.read())
        assert json.loads(data_of(events[-1]) or b"")["error_type"] == "incomplete_generation"


async def test_a_stream_passes_byte_for_byte() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for path, stream in (("/tgi/generate_stream", None), ("/tgi", True)):
            server.stream([WIRE])
            answer = await client.post(path, json={"inputs": "Hello", "stream": stream})
            assert await answer.read() == WIRE
            assert client.settled[-1].outcome.usage == Usage(4, 3)


async def test_an_event_that_is_none_breaks_a_stream_off() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for junk in (b"data: what\n\n", b'data: {"token": 1}\n\n'):
            server.stream([WIRE[:150].rpartition(b"data:")[0] + junk, WIRE])
            wire = await chat(client)
            assert b'"error"' in wire
            assert b"[DONE]" not in wire


async def test_a_client_of_tgi_reads_another_vendor_s_stream() -> None:
    async with run_gateway("[providers.tgi]") as client:
        client.fake.reply("All ", "is ", "well.")
        answer = await client.post("/tgi/models/fake/echo/generate_stream", json={"inputs": "So?"})
        events = [json.loads(data_of(one) or b"") for one in split(await answer.read())]
    assert [one["token"]["text"] for one in events] == ["All ", "is ", "well.", ""]
    assert events[-1]["generated_text"] == "All is well."
