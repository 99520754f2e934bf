"""Mistral's dialects against every recorded exchange with Mistral."""

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
from jackfield.messages import ChatRequest, Choice, Message, Reasoning, Text, ToolCall, Usage
from jackfield_mistral.endpoints import CHAT, EMBEDDINGS

pytestmark = needs_corpus
ALL = exchanges("openai_chat", provider="mistral")
ANSWERS = [exchange for exchange in ALL if exchange.status == 200 and not exchange.streams]
STREAMS = [exchange for exchange in ALL if exchange.status == 200 and exchange.streams]
FAILURES = [exchange for exchange in ALL if exchange.status != 200]
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def without_nulls(value: Any) -> Any:
    """The JSON without what says nothing, and without the type and index that calls may leave out.

    Of contents that are empty the form does not matter.
    """
    if isinstance(value, dict):
        shown = {k: without_nulls(one) for k, one in value.items() if k != "index" and one != []}
        if "function" in shown:
            shown["type"] = "function"
        return {key: one for key, one in shown.items() if one is not None and one != ""}
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
        "finish": choice.finish_detail or choice.finish_reason,
    }


def expected(exchange: Exchange) -> dict[str, Any]:
    expect = exchange.expect
    calls = [(call["name"], call["arguments"]) for call in expect["tool_calls"]]
    return {key: expect[key] for key in ("text", "reasoning", "finish")} | {"tool_calls": calls}


def counted(usage: Usage | None) -> tuple[int, ...] | None:
    if usage is None:
        return None
    return (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)


def expected_count(exchange: Exchange) -> tuple[int, ...]:
    usage = exchange.expect["usage"]
    inputs = usage.get("prompt_tokens_details") or {}
    cached = inputs.get("cached_tokens") or usage.get("num_cached_tokens") or 0
    return (usage["prompt_tokens"], usage["completion_tokens"], cached)


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
    finish = next(event for event in events if isinstance(event, Finished))
    return {
        "text": "".join(e.text for e in events if isinstance(e, TextDelta)),
        "reasoning": "".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        "tool_calls": calls_of((name, text) for name, text in calls.values()),
        "finish": finish.detail or finish.reason,
    }


def last_usage(events: Sequence[StreamEvent]) -> Usage | None:
    return next((e.usage for e in reversed(events) if isinstance(e, UsageReported)), None)


@each(ALL)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    assert CHAT.peek(tree, {}).model == tree["model"]
    rendered = CHAT.render_request(CHAT.parse_request(tree, {}))
    assert rendered.losses == ()
    assert_same(tree, rendered.body)


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
    assert counted(CHAT.usage(exchange.body)) == expected_count(exchange)


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
    again = parsed(wire)
    assert renderer.losses == []
    assert assembled(again) == assembled(events)
    assert last_usage(again) == last_usage(events)


@each(STREAMS)
def test_a_recorded_stream_ends_once(exchange: Exchange) -> None:
    events = SSE.split(exchange.body)
    assert [mark for mark in map(CHAT.terminal, events) if mark] == ["end"]
    assert sum(map(CHAT.finishes, events)) == 1


@each(FAILURES)
def test_a_recorded_error_keeps_its_message(exchange: Exchange) -> None:
    assert CHAT.parse_error(exchange.status, exchange.body).message == "Invalid API Key"


@each(exchanges("openai_embeddings", provider="mistral"))
def test_recorded_embeddings_survive_the_canonical_form(exchange: Exchange) -> None:
    request = EMBEDDINGS.parse_request(exchange.request_tree, {})
    assert_same(exchange.request_tree, EMBEDDINGS.render_request(request).body)
    response = EMBEDDINGS.parse_response(exchange.body)
    assert_same(json.loads(exchange.body), EMBEDDINGS.render_response(response, request).body)
