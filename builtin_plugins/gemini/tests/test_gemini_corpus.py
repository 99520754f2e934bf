"""The dialect against every recorded exchange of the Gemini API and of Vertex AI."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect
from jackfield.events import (
    Finished,
    PartAdded,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Message, Part, Reasoning, Text, ToolCall, Usage
from jackfield_gemini.endpoints import (
    COUNT_TOKENS,
    EMBEDDINGS,
    GENERATE,
    GENERATE_ARRAY,
)
from jackfield_gemini.fields import camel

pytestmark = needs_corpus
FOUND = [
    exchange
    for exchange in exchanges("gemini")
    if exchange.operation in ("generate_content", "generate_content_stream")
]
GOOD = [exchange for exchange in FOUND if exchange.status == 200]
FAILURES = [exchange for exchange in FOUND if exchange.status != 200]
STREAMS = [exchange for exchange in GOOD if exchange.operation == "generate_content_stream"]
ANSWERS = [exchange for exchange in GOOD if exchange.operation == "generate_content"]
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
PARAMS = {"model": "m"}
CUTS = (1, 7, 0)


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def plain(value: Any) -> Any:
    """The JSON as Google reads it: null as absent, camel case, a lone object as an array of one."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {camel(key): plain(item) for key, item in value.items() if item is not None}
    for key in ("contents", "parts", "tools"):
        if isinstance(found.get(key), dict) and key in ("contents", "tools"):
            found[key] = [found[key]]
    return found


def wire_of(exchange: Exchange) -> tuple[Dialect, bytes]:
    """A recorded stream's bytes and the dialect that they are in."""
    if exchange.streams:
        return GENERATE, exchange.body
    pieces = [json.dumps(item, ensure_ascii=False).encode() for item in json.loads(exchange.body)]
    return GENERATE_ARRAY, b"[" + b"\r\n,\r\n".join(pieces) + b"\r\n]\n"


def framed(dialect: Dialect, body: bytes, size: int) -> list[bytes]:
    """The events of a body that comes in pieces of a size, as the kernel cuts them."""
    framer = dialect.framing.framer()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    batches = [framer.feed(piece) for piece in pieces]
    batches.append(dialect.framing.completed(framer.held))
    assert b"".join(batches).rstrip(b"\r\n") == body.rstrip(b"\r\n")
    return [event for batch in batches if batch for event in dialect.framing.split(batch)]


def parse(dialect: Dialect, events: Sequence[bytes]) -> list[StreamEvent]:
    parser = dialect.stream_parser()
    return [*(one for event in events for one in parser.feed(event)), *parser.close()]


def told(parts: Sequence[Part]) -> dict[str, Any]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "tool_calls": [(call.name, json.loads(call.arguments)) for call in calls],
    }


def assembled(events: Sequence[StreamEvent]) -> dict[str, Any]:
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            calls[event.part] = [event.name, ""]
        elif isinstance(event, ToolCallDelta):
            calls[event.part][1] += event.arguments
    return {
        "text": "".join(e.text for e in events if isinstance(e, TextDelta)),
        "reasoning": "".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        "tool_calls": [(name, json.loads(text)) for name, text in calls.values()],
    }


def expected(exchange: Exchange) -> dict[str, Any]:
    calls = [(call["name"], call["arguments"]) for call in exchange.expect["tool_calls"]]
    reasoning = exchange.expect["reasoning"]
    return {"text": exchange.expect["text"], "reasoning": reasoning, "tool_calls": calls}


def counted(usage: Usage | None) -> tuple[int, ...] | None:
    if usage is None:
        return None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.reasoning_tokens,
    )


def expected_count(exchange: Exchange) -> tuple[int, ...] | None:
    wire = exchange.expect.get("usage")
    if wire is None:
        return None
    thoughts = wire.get("thoughtsTokenCount", 0)
    return (
        wire.get("promptTokenCount", 0) + wire.get("toolUsePromptTokenCount", 0),
        wire.get("candidatesTokenCount", 0) + thoughts,
        wire.get("cachedContentTokenCount", 0),
        thoughts,
    )


def proofs(events: Sequence[StreamEvent]) -> list[str | None]:
    found = [e.signature for e in events if isinstance(e, ReasoningDelta) and e.signature]
    opaque = [e.value for e in events if isinstance(e, PartAdded)]
    return [*found, *(str(value) for value in opaque)]


@each(exchange for exchange in FOUND if exchange.request_tree is not None)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    assert GENERATE.peek(tree, PARAMS).model == "m"
    rendered = GENERATE.render_request(GENERATE.parse_request(tree, PARAMS))
    assert rendered.losses == ()
    wanted, found = plain(tree), plain(msgspec.json.decode(rendered.body))
    for content in wanted["contents"]:
        content.setdefault("role", "user")
    assert found == wanted


@each(ANSWERS)
def test_a_recorded_response_survives_the_canonical_form(exchange: Exchange) -> None:
    rendered = GENERATE.render_response(GENERATE.parse_response(exchange.body), PLAIN)
    assert rendered.losses == ()
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)


@each(ANSWERS)
def test_a_recorded_response_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    response = GENERATE.parse_response(exchange.body)
    choice = response.choices[0]
    assert told(choice.message.parts) == expected(exchange)
    word = exchange.expect["finish"]
    assert choice.finish_detail in (None if word is None else str(word), "MODEL_ARMOR")
    assert choice.finish_reason is not None
    assert counted(response.usage) == counted(GENERATE.usage(exchange.body))
    assert counted(response.usage) == expected_count(exchange)


@each(ANSWERS)
def test_calls_of_a_recorded_response_have_ids_of_their_own(exchange: Exchange) -> None:
    parts = GENERATE.parse_response(exchange.body).choices[0].message.parts
    again = GENERATE.parse_response(exchange.body).choices[0].message.parts
    ids = [part.id for part in parts if isinstance(part, ToolCall)]
    assert ids == [part.id for part in again if isinstance(part, ToolCall)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", identity) for identity in ids)


@each(STREAMS)
def test_a_recorded_stream_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    dialect, body = wire_of(exchange)
    readings = [parse(dialect, framed(dialect, body, size)) for size in CUTS]
    assert readings[0] == readings[1] == readings[2]
    events = readings[0]
    assert assembled(events) == expected(exchange)
    finishes = [event for event in events if isinstance(event, Finished)]
    assert [event.detail for event in finishes] == [str(exchange.expect["finish"])]
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert [counted(usage) for usage in usages] == [expected_count(exchange)]


@each(STREAMS)
def test_a_recorded_stream_finishes_and_its_meter_agrees(exchange: Exchange) -> None:
    dialect, body = wire_of(exchange)
    events = framed(dialect, body, 7)
    assert [mark for mark in map(dialect.terminal, events) if mark] == []
    assert any(map(dialect.finishes, events[-3:]))
    meter = dialect.usage_meter()
    for event in events:
        meter.feed(event)
    assert counted(meter.usage()) == expected_count(exchange)


@each(STREAMS)
@pytest.mark.parametrize("target", [GENERATE, GENERATE_ARRAY], ids=["sse", "array"])
def test_a_recorded_stream_rendered_anew_says_the_same(exchange: Exchange, target: Dialect) -> None:
    dialect, body = wire_of(exchange)
    events = parse(dialect, framed(dialect, body, 0))
    renderer = target.stream_renderer(PLAIN)
    wire = b"".join(map(renderer.render, events))
    again = parse(target, framed(target, wire, 7))
    assert renderer.losses == []
    assert assembled(again) == assembled(events)
    assert proofs(again) == proofs(events)
    assert again[0] == events[0]
    assert [e for e in again if isinstance(e, Finished | UsageReported)] == [
        e for e in events if isinstance(e, Finished | UsageReported)
    ]
    second = target.stream_renderer(PLAIN)
    assert b"".join(map(second.render, again)) == wire


@each(FAILURES)
def test_a_recorded_error_keeps_its_message(exchange: Exchange) -> None:
    failure = GENERATE.parse_error(exchange.status, exchange.body)
    wire = json.loads(exchange.body)
    wire = wire[0] if isinstance(wire, list) else wire
    assert failure.message == wire["error"]["message"]
    assert failure.type == wire["error"]["status"]


WITH_AN_IMAGE = "gemini-embeddings-62c5777f3d"
EMBEDDED = [e for e in exchanges("gemini", "embeddings", "gemini") if e.status == 200]


@each(exchange for exchange in EMBEDDED if exchange.id != WITH_AN_IMAGE)
def test_recorded_embeddings_survive_the_canonical_form(exchange: Exchange) -> None:
    request = EMBEDDINGS.parse_request(exchange.request_tree, PARAMS)
    assert msgspec.json.decode(EMBEDDINGS.render_request(request).body) == exchange.request_tree
    response = EMBEDDINGS.parse_response(exchange.body)
    rendered = EMBEDDINGS.render_response(response, request)
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)
    assert response.vectors


@each(e for e in exchanges("gemini", "count_tokens", "gemini") if e.status == 200)
def test_a_recorded_count_survives_the_canonical_form(exchange: Exchange) -> None:
    request = COUNT_TOKENS.parse_request(exchange.request_tree, PARAMS)
    assert msgspec.json.decode(COUNT_TOKENS.render_request(request).body) == exchange.request_tree
    rendered = COUNT_TOKENS.render_response(COUNT_TOKENS.parse_response(exchange.body), request)
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)
