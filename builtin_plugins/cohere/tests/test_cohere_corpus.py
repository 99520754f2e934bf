"""Cohere's dialects against every recorded exchange with Cohere."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

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
from jackfield.messages import (
    ChatRequest,
    Choice,
    Message,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from jackfield_cohere.endpoints import CHAT, COUNT_TOKENS, EMBEDDINGS, RERANK

pytestmark = needs_corpus
ALL = [e for e in exchanges(provider="cohere") if e.request["path"] == "/v2/chat"]
ANSWERS = [exchange for exchange in ALL if exchange.status == 200 and not exchange.streams]
STREAMS = [exchange for exchange in ALL if exchange.status == 200 and exchange.streams]
FAILURES = [e for e in exchanges(provider="cohere") if e.status != 200]
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def of(operation: str) -> list[Exchange]:
    found = exchanges(provider="cohere", operation=operation)
    return [exchange for exchange in found if exchange.status == 200]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def assert_same(recorded: Any, rendered: bytes) -> None:
    assert without_nulls(msgspec.json.decode(rendered)) == without_nulls(recorded)


def calls_of(found: Iterable[tuple[str, str]]) -> list[tuple[str, Any]]:
    return [(name, json.loads(arguments or "{}")) for name, arguments in found]


def told(choice: Choice) -> dict[str, Any]:
    parts = choice.message.parts
    calls = [(part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "tool_calls": calls_of(calls),
        "finish": choice.finish_detail,
    }


def expected(exchange: Exchange) -> dict[str, Any]:
    expect = exchange.expect
    calls = [(call["name"], call["arguments"]) for call in expect["tool_calls"]]
    return {key: expect[key] for key in ("text", "reasoning", "finish")} | {"tool_calls": calls}


def counted(usage: Usage | None) -> tuple[int, ...] | None:
    if usage is None:
        return None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.reasoning_tokens,
    )


def expected_count(exchange: Exchange) -> tuple[int, ...]:
    usage = exchange.expect["usage"]
    tokens = usage["tokens"]
    return (
        tokens["input_tokens"],
        tokens["output_tokens"],
        usage.get("cached_tokens", 0),
        tokens.get("reasoning_tokens", 0),
    )


def parsed(body: bytes, size: int = 0) -> list[StreamEvent]:
    """The canonical events of a stream that arrives in pieces of `size` bytes."""
    parser, framer = CHAT.stream_parser(), SSE.framer()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    wires = [wire for piece in pieces for wire in SSE.split(framer.feed(piece))]
    return [*(event for wire in wires for event in parser.feed(wire)), *parser.close()]


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
        "tool_calls": calls_of((name, text) for name, text in calls.values()),
        "finish": next(e.detail for e in events if isinstance(e, Finished)),
    }


def last_usage(events: Sequence[StreamEvent]) -> Usage | None:
    return next((e.usage for e in reversed(events) if isinstance(e, UsageReported)), None)


@each(ALL)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    assert CHAT.peek(exchange.request_tree, {}).model == exchange.request_tree["model"]
    rendered = CHAT.render_request(CHAT.parse_request(exchange.request_tree, {}))
    assert rendered.losses == ()
    assert_same(exchange.request_tree, rendered.body)


@each(ANSWERS)
def test_a_recorded_answer_survives_the_canonical_form(exchange: Exchange) -> None:
    rendered = CHAT.render_response(CHAT.parse_response(exchange.body), PLAIN)
    assert rendered.losses == ()
    assert_same(json.loads(exchange.body), rendered.body)


@each(ANSWERS)
def test_a_recorded_answer_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    response = CHAT.parse_response(exchange.body)
    assert told(response.choices[0]) == expected(exchange)
    assert counted(response.usage) == expected_count(exchange)
    assert CHAT.usage(exchange.body) == CHAT.usage_beside(response, exchange.body) == response.usage


@each(STREAMS)
@pytest.mark.parametrize("size", [1, 7, 0])
def test_a_recorded_stream_means_what_an_independent_reading_says(
    exchange: Exchange, size: int
) -> None:
    events = parsed(exchange.body, size)
    assert assembled(events) == expected(exchange)
    assert counted(last_usage(events)) == expected_count(exchange)


@each(STREAMS)
def test_a_recorded_stream_rendered_anew_says_the_same(exchange: Exchange) -> None:
    events = parsed(exchange.body)
    renderer = CHAT.stream_renderer(PLAIN)
    wire = b"".join(map(renderer.render, events))
    assert renderer.losses == []
    assert parsed(wire) == events


@each(STREAMS)
def test_a_recorded_stream_ends_once_and_reports_its_usage(exchange: Exchange) -> None:
    events = SSE.split(exchange.body)
    meter = CHAT.usage_meter()
    for event in events:
        meter.feed(event)
    assert [mark for mark in map(CHAT.terminal, events) if mark] == ["end"]
    assert sum(map(CHAT.finishes, events)) == 1
    assert meter.usage() == last_usage(parsed(exchange.body))


@each(FAILURES)
def test_a_recorded_error_keeps_its_message(exchange: Exchange) -> None:
    failure = CHAT.parse_error(exchange.status, exchange.body)
    assert failure.message == json.loads(exchange.body)["message"]


@each(e for e in exchanges(provider="cohere", operation="embeddings") if e.status == 200)
def test_recorded_embeddings_survive_the_canonical_form(exchange: Exchange) -> None:
    request = EMBEDDINGS.parse_request(exchange.request_tree, {"version": "v2"})
    assert_same(exchange.request_tree, EMBEDDINGS.render_request(request).body)
    response = EMBEDDINGS.parse_response(exchange.body)
    assert_same(json.loads(exchange.body), EMBEDDINGS.render_response(response, request).body)
    billed = json.loads(exchange.body)["meta"]["billed_units"]
    assert response.usage is not None
    assert response.usage.input_tokens == billed["input_tokens"]
    assert EMBEDDINGS.usage(exchange.body) == response.usage


@each(exchanges(provider="cohere", operation="rerank"))
def test_recorded_rankings_survive_the_canonical_form(exchange: Exchange) -> None:
    request = RERANK.parse_request(exchange.request_tree, {"version": "v2"})
    assert_same(exchange.request_tree, RERANK.render_request(request).body)
    response = RERANK.parse_response(exchange.body)
    assert_same(json.loads(exchange.body), RERANK.render_response(response, request).body)


@each(exchanges(provider="cohere", operation="count_tokens"))
def test_recorded_tokens_are_counted(exchange: Exchange) -> None:
    request = COUNT_TOKENS.parse_request(exchange.request_tree, {})
    assert_same(exchange.request_tree, COUNT_TOKENS.render_request(request).body)
    count = COUNT_TOKENS.parse_response(exchange.body)
    assert count.input_tokens == len(json.loads(exchange.body)["tokens"])
    assert_same(json.loads(exchange.body), COUNT_TOKENS.render_response(count, request).body)
