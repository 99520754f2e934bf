"""The chat dialect against every recorded exchange of every compatible provider."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import StreamParser
from jackfield.events import (
    Failed,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Message, Part, Reasoning, Text, ToolCall, Usage
from jackfield_openai.chat import ChatDialect

pytestmark = needs_corpus
CHAT = ChatDialect()
ALL = exchanges("openai_chat")
ANSWERS = [exchange for exchange in ALL if exchange.status == 200 and not exchange.streams]
STREAMS = [exchange for exchange in ALL if exchange.status == 200 and exchange.streams]
SENSELESS = ("openai-chat-ba5887a321",)
"""Recorded requests in which a user says nothing, which their vendor has refused."""
FAILURES = [exchange for exchange in ALL if exchange.status != 200]
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)


def bare(value: Any) -> Any:
    """The canonical value as another dialect would have made it: without our extensions."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return value
    found = {name: bare(getattr(value, name)) for name in value.__struct_fields__}
    return type(value)(**(found | ({"extensions": {}} if "extensions" in found else {})))


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def differences(recorded: Any, rendered: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two JSON values differ, null being the same as absent."""
    if isinstance(recorded, dict) and isinstance(rendered, dict):
        pairs = [(f"{path}.{k}", recorded.get(k), rendered.get(k)) for k in recorded | rendered]
    elif (
        isinstance(recorded, list) and isinstance(rendered, list) and len(recorded) == len(rendered)
    ):
        pairs = [(f"{path}[]", a, b) for a, b in zip(recorded, rendered, strict=True)]
    else:
        return [] if recorded == rendered else [(path, recorded, rendered)]
    return [found for name, a, b in pairs for found in differences(a, b, name)]


def is_default(difference: tuple[str, Any, Any]) -> bool:
    """Whether something that clients rely on was put where a provider left it out."""
    path, recorded, rendered = difference
    field = path.rpartition(".")[2]
    if field == "type":
        return recorded is None and rendered == "function"
    if field in ("content", "arguments"):
        return recorded is None and rendered == ("" if field == "content" else "{}")
    return field in ("id", "tool_call_id", "model") and not recorded and bool(rendered)


def assert_same(recorded: Any, rendered: Any) -> None:
    found = differences(recorded, rendered)
    assert [difference for difference in found if not is_default(difference)] == []


def arguments(text: str) -> Any:
    return json.loads(text) if text else {}


def told(parts: Sequence[Part]) -> dict[str, Any]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "tool_calls": [(call.name, arguments(call.arguments)) for call in calls],
    }


def expected(exchange: Exchange, told: dict[str, Any]) -> dict[str, Any]:
    calls = exchange.expect["tool_calls"]
    reasoning = exchange.expect["reasoning"]
    if exchange.provider == "snowflake":
        reasoning = told["reasoning"]  # stands in `reasoning_details` alone, which was not read
    return {
        "text": exchange.expect["text"],
        "reasoning": reasoning,
        "tool_calls": [(call["name"], call["arguments"]) for call in calls if call["name"]],
    }


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
    usage = exchange.expect.get("usage")
    if usage is None:
        return None
    inputs = usage.get("prompt_tokens_details") or {}
    outputs = usage.get("completion_tokens_details") or {}
    apart = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    cached = inputs.get("cached_tokens") or next((usage[k] for k in apart if usage.get(k)), 0)
    reasoning = outputs.get("reasoning_tokens") or 0
    return (usage["prompt_tokens"], usage["completion_tokens"], cached, reasoning)


def events_of(parser: StreamParser, body: bytes) -> list[StreamEvent]:
    found = [event for wire in sse.split(body) for event in parser.feed(wire)]
    return [*found, *parser.close()]


def parse(body: bytes) -> list[StreamEvent]:
    return events_of(CHAT.stream_parser(), body)


def assembled(events: Sequence[StreamEvent]) -> dict[str, Any]:
    """What the first choice says."""
    events = [event for event in events if getattr(event, "choice", 0) == 0]
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            calls[event.part] = [event.name, ""]
        elif isinstance(event, ToolCallDelta):
            calls[event.part][1] += event.arguments
    return {
        "text": "".join(e.text for e in events if isinstance(e, TextDelta)),
        "reasoning": "".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        "tool_calls": [(name, arguments(text)) for name, text in calls.values()],
    }


def last_usage(events: Sequence[StreamEvent]) -> Usage | None:
    found = [event.usage for event in events if isinstance(event, UsageReported)]
    return found[-1] if found else None


@each(one for one in ALL if one.request_tree is not None and one.id not in SENSELESS)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    assert CHAT.peek(tree, {}).model == tree["model"]
    rendered = CHAT.render_request(CHAT.parse_request(tree, {}))
    assert rendered.losses == ()
    assert_same(tree, msgspec.json.decode(rendered.body))


@each(ANSWERS)
def test_a_recorded_response_survives_the_canonical_form(exchange: Exchange) -> None:
    rendered = CHAT.render_response(CHAT.parse_response(exchange.body), PLAIN)
    assert rendered.losses == ()
    assert_same(json.loads(exchange.body), msgspec.json.decode(rendered.body))


@each(ANSWERS)
def test_a_recorded_response_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    response = CHAT.parse_response(exchange.body)
    choice = response.choices[0]
    found = told(choice.message.parts)
    assert found == expected(exchange, found)
    word = exchange.expect["finish"]
    assert word in (choice.finish_reason, choice.finish_detail)


@each(ANSWERS)
def test_usage_is_what_the_provider_reports(exchange: Exchange) -> None:
    usage = CHAT.usage(exchange.body)
    assert counted(usage) == expected_count(exchange)
    assert CHAT.usage_beside(CHAT.parse_response(exchange.body), exchange.body) == usage


@each(ANSWERS)
def test_an_answer_of_another_dialect_is_plain_openai(exchange: Exchange) -> None:
    response = CHAT.parse_response(exchange.body)
    rendered = CHAT.render_response(bare(response), PLAIN)
    ChatCompletion.model_validate_json(rendered.body)
    again = CHAT.parse_response(rendered.body)
    assert [told(c.message.parts) for c in again.choices] == [
        told(c.message.parts) for c in response.choices
    ]
    assert [c.finish_reason for c in again.choices] == [c.finish_reason for c in response.choices]
    assert counted(again.usage) == counted(response.usage)


@each(STREAMS)
def test_a_recorded_stream_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    events = parse(exchange.body)
    found = assembled(events)
    assert found == expected(exchange, found)
    assert any(isinstance(e, Failed) for e in events) is ("stream_error" in exchange.expect)
    finishes = [event for event in events if isinstance(event, Finished)]
    if finishes:
        assert exchange.expect["finish"] in (finishes[0].reason, finishes[0].detail)


@each(STREAMS)
def test_the_meter_and_the_parser_agree_on_a_streams_usage(exchange: Exchange) -> None:
    meter = CHAT.usage_meter()
    for event in sse.split(exchange.body):
        meter.feed(event)
    usage, expect = counted(meter.usage()), expected_count(exchange)
    assert usage == expect or (expect is None and b"x_groq" in exchange.body)
    if "stream_error" not in exchange.expect:
        assert meter.usage() == last_usage(parse(exchange.body))


@each(STREAMS)
def test_a_recorded_stream_ends_or_at_least_finishes(exchange: Exchange) -> None:
    events = sse.split(exchange.body)
    marks = [mark for mark in map(CHAT.terminal, events) if mark]
    hinted = [e for e in events if any(hint in e for hint in CHAT.terminal_hints)]
    assert marks == [mark for mark in map(CHAT.terminal, hinted) if mark]
    assert marks or any(map(CHAT.finishes, events))
    if "stream_error" in exchange.expect:
        assert "error" in marks


@each(STREAMS)
def test_a_recorded_stream_rendered_anew_says_the_same(exchange: Exchange) -> None:
    events = parse(exchange.body)
    renderer = CHAT.stream_renderer(PLAIN)
    wire = b"".join(map(renderer.render, events))
    again = parse(wire)
    assert renderer.losses == []
    assert assembled(again) == assembled(events)
    assert last_usage(again) == last_usage(events)
    second = CHAT.stream_renderer(PLAIN)
    assert b"".join(map(second.render, again)) == wire


@each(exchange for exchange in STREAMS if "stream_error" not in exchange.expect)
def test_a_stream_of_another_dialect_is_plain_openai(exchange: Exchange) -> None:
    events = parse(exchange.body)
    renderer = CHAT.stream_renderer(PLAIN)
    wire = b"".join(renderer.render(bare(event)) for event in events)
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    assert datas.pop() == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(data) for data in datas]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    for index in {choice.index for choice in choices}:
        assert sum(c.finish_reason is not None for c in choices if c.index == index) == 1
    assert len({chunk.id for chunk in chunks}) == 1
    assert assembled(parse(wire)) == assembled(events)


@each(FAILURES)
def test_a_recorded_error_keeps_its_message(exchange: Exchange) -> None:
    failure = CHAT.parse_error(exchange.status, exchange.body)
    assert failure.message
    assert failure.message in json.dumps(json.loads(exchange.body), ensure_ascii=False) or (
        json.dumps(failure.message)[1:-1] in exchange.body.decode()
    )
