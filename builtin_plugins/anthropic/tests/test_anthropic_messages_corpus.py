"""Messages against every recorded exchange: nothing of it may be missing."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.events import (
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.framing import SSE
from jackfield.messages import Part, Reasoning, Text, ToolCall, Usage
from jackfield_anthropic.endpoints import BEDROCK, COUNT_TOKENS, MESSAGES, VERTEX
from jackfield_anthropic.messages_request import VERSIONS

pytestmark = needs_corpus
ALL = [e for e in exchanges("anthropic_messages") if e.operation.startswith("messages")]
ANSWERS = [e for e in ALL if e.status == 200 and not e.streams]
STREAMS = [e for e in ALL if e.status == 200 and e.streams]
FAILURES = [e for e in ALL if e.status != 200]
COUNTS = exchanges("anthropic_messages", "count_tokens")
CUTS = (1, 7, 1 << 30)


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def told(parts: Sequence[Part]) -> dict[str, Any]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "tool_calls": [(call.name, json.loads(call.arguments)) for call in calls],
    }


def expected(exchange: Exchange) -> dict[str, Any]:
    calls = exchange.expect["tool_calls"]
    return {
        "text": exchange.expect["text"],
        "reasoning": exchange.expect["reasoning"],
        "tool_calls": [(call["name"], call["arguments"]) for call in calls],
    }


def counted(usage: Usage | None) -> tuple[int, ...]:
    assert usage is not None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def expected_count(exchange: Exchange) -> tuple[int, ...]:
    usage = exchange.expect["usage"]
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    total = usage["input_tokens"] + cached + written
    return (total, usage["output_tokens"], cached, written, thought)


def parse(body: bytes, size: int = 1 << 30) -> list[StreamEvent]:
    framer, parser = SSE.framer(), MESSAGES.stream_parser()
    found: list[StreamEvent] = []
    for at in range(0, len(body), size):
        for wire in SSE.split(framer.feed(body[at : at + size])):
            found += parser.feed(wire)
    return [*found, *parser.close()]


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
        "tool_calls": [(name, json.loads(text or "{}")) for name, text in calls.values()],
    }


def last_usage(events: Sequence[StreamEvent]) -> Usage | None:
    found = [event.usage for event in events if isinstance(event, UsageReported)]
    return found[-1] if found else None


def without_parts(events: Iterable[StreamEvent]) -> list[Any]:
    """The events but for the numbers of their parts: an empty text needs no block."""
    told = [msgspec.structs.asdict(event) for event in events]
    return [{**fields, "part": 0} for fields in told]


@each(ALL)
@pytest.mark.parametrize("dialect", [MESSAGES, VERTEX, BEDROCK], ids=lambda d: str(d.name))
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange, dialect: Any) -> None:
    tree = exchange.request_tree
    assert MESSAGES.peek(tree, {}).model == tree["model"]
    rendered = dialect.render_request(MESSAGES.parse_request(tree, {}))
    assert rendered.losses == ()
    body = msgspec.json.decode(rendered.body)
    if dialect is not MESSAGES:
        assert body.pop("anthropic_version") == VERSIONS[dialect.cloud]
        tree = {key: value for key, value in tree.items() if key != "model"}
        if dialect is BEDROCK:
            tree.pop("stream", None)
    assert body == tree


@each(ANSWERS)
def test_a_recorded_answer_survives_the_canonical_form(exchange: Exchange) -> None:
    request = MESSAGES.parse_request(exchange.request_tree, {})
    rendered = MESSAGES.render_response(MESSAGES.parse_response(exchange.body), request)
    assert rendered.losses == ()
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)


@each(ANSWERS)
def test_a_recorded_answer_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    response = MESSAGES.parse_response(exchange.body)
    choice = response.choices[0]
    assert told(choice.message.parts) == expected(exchange)
    assert choice.finish_detail == exchange.expect["finish"]
    assert counted(response.usage) == expected_count(exchange)
    assert MESSAGES.usage(exchange.body) == response.usage


@each(STREAMS)
@pytest.mark.parametrize("size", CUTS)
def test_a_recorded_stream_means_what_an_independent_reading_says(
    exchange: Exchange, size: int
) -> None:
    events = parse(exchange.body, size)
    assert assembled(events) == expected(exchange)
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished.detail == exchange.expect["finish"]
    assert counted(last_usage(events)) == expected_count(exchange)


@each(STREAMS)
def test_the_meter_counts_what_the_parser_counts(exchange: Exchange) -> None:
    meter = MESSAGES.usage_meter()
    for event in sse.split(exchange.body):
        meter.feed(event)
    assert meter.usage() == last_usage(parse(exchange.body))


@each(STREAMS)
def test_a_recorded_stream_has_one_end(exchange: Exchange) -> None:
    events = sse.split(exchange.body)
    hinted = [event for event in events if any(hint in event for hint in MESSAGES.terminal_hints)]
    assert [mark for mark in map(MESSAGES.terminal, events) if mark] == ["end"]
    assert [mark for mark in map(MESSAGES.terminal, hinted) if mark] == ["end"]
    assert any(map(MESSAGES.finishes, events))


@each(STREAMS)
def test_a_recorded_stream_rendered_anew_says_the_same(exchange: Exchange) -> None:
    events = parse(exchange.body)
    request = MESSAGES.parse_request(exchange.request_tree, {})
    renderer = MESSAGES.stream_renderer(request)
    wire = b"".join(map(renderer.render, events))
    assert renderer.losses == []
    assert without_parts(parse(wire)) == without_parts(events)
    second = MESSAGES.stream_renderer(request)
    assert b"".join(map(second.render, parse(wire))) == wire


@each(FAILURES)
def test_a_recorded_error_keeps_its_message_and_type(exchange: Exchange) -> None:
    failure = MESSAGES.parse_error(exchange.status, exchange.body)
    said = json.loads(exchange.body)["error"]
    assert (failure.message, failure.type) == (said["message"], said["type"])


@each(COUNTS)
def test_counting_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    request = COUNT_TOKENS.parse_request(tree, {})
    rendered = COUNT_TOKENS.render_request(request)
    assert rendered.losses == ()
    assert msgspec.json.decode(rendered.body) == tree
    count = COUNT_TOKENS.parse_response(exchange.body)
    again = COUNT_TOKENS.render_response(count, request)
    assert msgspec.json.decode(again.body) == json.loads(exchange.body)
