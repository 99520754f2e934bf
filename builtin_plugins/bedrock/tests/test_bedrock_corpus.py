"""Converse, and bodies of InvokeModel, against every recorded exchange of Bedrock."""

import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect
from jackfield.events import (
    Ended,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Message, Part, Reasoning, Text, ToolCall, Usage
from jackfield_bedrock.endpoints import CONVERSE, COUNT_TOKENS, INVOKE

pytestmark = needs_corpus
ALL = exchanges("bedrock_converse")
ANSWERS = [e for e in ALL if e.status == 200 and e.operation == "converse"]
STREAMS = [e for e in ALL if e.status == 200 and e.operation == "converse_stream"]
FAILURES = [e for e in exchanges(provider="bedrock") if e.status != 200]
INVOKED = [e for e in exchanges("bedrock_invoke") if e.status == 200]
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", [pytest.param(e, id=e.id) for e in found])


def wire(exchange: Exchange) -> bytes:
    """The recorded event stream."""
    return b64decode(exchange.response["body"]["base64"])


def differences(recorded: Any, rendered: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two JSON values differ; an integer is not the same as a float."""
    if isinstance(recorded, dict) and isinstance(rendered, dict):
        pairs = [(f"{path}.{k}", recorded.get(k), rendered.get(k)) for k in recorded | rendered]
    elif (
        isinstance(recorded, list) and isinstance(rendered, list) and len(recorded) == len(rendered)
    ):
        pairs = [(f"{path}[]", a, b) for a, b in zip(recorded, rendered, strict=True)]
    else:
        same = recorded == rendered and type(recorded) is type(rendered)
        return [] if same else [(path, recorded, rendered)]
    return [found for name, a, b in pairs for found in differences(a, b, name)]


def dialect_of(exchange: Exchange) -> Dialect:
    return INVOKE.variant(params(exchange))


def params(exchange: Exchange) -> dict[str, str]:
    return {"model": exchange.model or "m"}


def events_of(dialect: Dialect, body: bytes, size: int = 0) -> list[StreamEvent]:
    """The canonical events of a stream that arrives in pieces of `size` bytes."""
    parser, framer = dialect.stream_parser(), dialect.framing.framer()
    found: list[StreamEvent] = []
    for at in range(0, len(body), size or len(body)):
        for event in dialect.framing.split(framer.feed(body[at : at + (size or len(body))])):
            found += parser.feed(event)
    assert framer.held == b""
    return [*found, *parser.close()]


def told(parts: Sequence[Part]) -> tuple[str, str, list[Any]]:
    return (
        "".join(part.text for part in parts if isinstance(part, Text) and not part.citations),
        "".join(part.text for part in parts if isinstance(part, Reasoning)),
        [(p.name, json.loads(p.arguments)) for p in parts if isinstance(p, ToolCall)],
    )


def assembled(events: Sequence[StreamEvent]) -> tuple[str, str, list[Any]]:
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            calls[event.part] = [event.name, ""]
        elif isinstance(event, ToolCallDelta):
            calls[event.part][1] += event.arguments
    return (
        "".join(e.text for e in events if isinstance(e, TextDelta)),
        "".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        [(name, json.loads(text or "{}")) for name, text in calls.values()],
    )


def expected(exchange: Exchange) -> tuple[str, str, list[Any]]:
    """What the answer says; tools that Bedrock itself runs are no calls for the client."""
    expect = exchange.expect
    calls = [(call["name"], call["arguments"]) for call in expect["tool_calls"]]
    calls = [call for call in calls if call[0] != "nova_code_interpreter"]
    return (expect["text"], expect["reasoning"], calls)


def counted(usage: Usage | None) -> tuple[int, int, int, int] | None:
    if usage is None:
        return None
    cached = (usage.cached_input_tokens, usage.cache_write_tokens)
    return (usage.input_tokens, usage.output_tokens, *cached)


def expected_count(exchange: Exchange) -> tuple[int, int, int, int]:
    usage = exchange.expect["usage"]
    read, written = (usage.get(f"cache{way}InputTokens") or 0 for way in ("Read", "Write"))
    return (usage["inputTokens"] + read + written, usage["outputTokens"], read, written)


@each(e for e in ALL if e.request_tree is not None)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    assert CONVERSE.peek(tree, params(exchange)).model == exchange.model
    rendered = CONVERSE.render_request(CONVERSE.parse_request(tree, params(exchange)))
    assert rendered.losses == ()
    assert differences(tree, json.loads(rendered.body)) == []


@each(ANSWERS)
def test_a_recorded_response_survives_the_canonical_form(exchange: Exchange) -> None:
    rendered = CONVERSE.render_response(CONVERSE.parse_response(exchange.body), PLAIN)
    assert rendered.losses == ()
    assert differences(exchange.response["body"], json.loads(rendered.body)) == []


@each(ANSWERS)
def test_a_recorded_response_means_what_an_independent_reading_says(exchange: Exchange) -> None:
    response = CONVERSE.parse_response(exchange.body)
    choice = response.choices[0]
    assert told(choice.message.parts) == expected(exchange)
    assert choice.finish_detail == exchange.expect["finish"]
    assert counted(response.usage) == expected_count(exchange)
    assert counted(CONVERSE.usage(exchange.body)) == expected_count(exchange)
    assert CONVERSE.usage_beside(response, exchange.body) == CONVERSE.usage(exchange.body)


@each(STREAMS)
@pytest.mark.parametrize("size", [1, 7, 0])
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange: Exchange, size: int) -> None:
    events = events_of(CONVERSE, wire(exchange), size)
    if "expect" in exchange.expect or exchange.expect:
        assert assembled(events) == expected(exchange)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert len(usages) == 1
    assert isinstance(events[-1], Ended)


@each(STREAMS)
def test_a_recorded_stream_rendered_anew_says_the_same(exchange: Exchange) -> None:
    events = events_of(CONVERSE, wire(exchange))
    renderer = CONVERSE.stream_renderer(PLAIN)
    again = b"".join(map(renderer.render, events))
    assert renderer.losses == []
    assert events_of(CONVERSE, again, 5) == events


@each(STREAMS)
def test_the_meter_and_the_terminal_find_the_end_of_a_stream(exchange: Exchange) -> None:
    meter, events = CONVERSE.usage_meter(), CONVERSE.framing.split(wire(exchange))
    for event in events:
        meter.feed(event)
    assert [mark for mark in map(CONVERSE.terminal, events) if mark] == ["end"]
    assert CONVERSE.terminal(events[-1]) == "end"
    assert any(map(CONVERSE.finishes, events))
    reported = [e for e in events_of(CONVERSE, wire(exchange)) if isinstance(e, UsageReported)]
    assert meter.usage() == reported[-1].usage


@each(FAILURES)
def test_a_recorded_error_keeps_its_message(exchange: Exchange) -> None:
    failure = CONVERSE.parse_error(exchange.status, exchange.body)
    assert failure.message == exchange.response["body"]["message"]
    assert failure.type in ("ValidationException", "AccessDeniedException")


@each(e for e in INVOKED if e.request_tree is not None)
def test_a_recorded_body_survives_the_canonical_form_of_its_dialect(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    if not dialect.translates:
        pytest.skip("bodies of this model are passed through")
    request = dialect.parse_request(exchange.request_tree, params(exchange))
    rendered = dialect.render_request(request)
    assert rendered.losses == ()
    assert differences(exchange.request_tree, json.loads(rendered.body)) == []


@each(e for e in INVOKED if e.response["body_kind"] == "json")
def test_a_recorded_invocation_survives_the_canonical_form(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    usage = dialect.usage(exchange.body)
    if not dialect.translates:
        return
    request = dialect.parse_request(exchange.request_tree, params(exchange))
    response = dialect.parse_response(exchange.body)
    assert getattr(response, "usage", None) == usage
    rendered = dialect.render_response(response, request)
    assert rendered.losses == ()
    assert differences(exchange.response["body"], json.loads(rendered.body)) == []


@each(e for e in INVOKED if e.operation == "invoke_model_stream")
@pytest.mark.parametrize("size", [1, 7, 0])
def test_a_recorded_stream_of_chunks_can_be_read_and_written(exchange: Exchange, size: int) -> None:
    dialect = dialect_of(exchange)
    events = events_of(dialect, wire(exchange), size)
    assert any(isinstance(event, TextDelta) for event in events)
    assert isinstance(events[-1], Ended)
    renderer = dialect.stream_renderer(PLAIN)
    again = events_of(dialect, b"".join(map(renderer.render, events)))
    assert assembled(again) == assembled(events)
    marks = [dialect.terminal(event) for event in dialect.framing.split(wire(exchange))]
    assert [mark for mark in marks if mark] == ["end"]


@each(exchanges(dialect="bedrock", operation="count_tokens"))
def test_recorded_counts_of_tokens_survive_the_canonical_form(exchange: Exchange) -> None:
    request = COUNT_TOKENS.parse_request(exchange.request_tree, params(exchange))
    body = json.loads(COUNT_TOKENS.render_request(request).body)
    if "converse" in exchange.request_tree["input"]:
        asked = exchange.request_tree["input"]["converse"]
        assert differences(asked, body["input"]["converse"]) == []
    else:
        assert body["input"]["converse"]["messages"] == [
            {"role": "user", "content": [{"text": "hello"}]}
        ]
    if exchange.status == 200:
        count = COUNT_TOKENS.parse_response(exchange.body)
        again = COUNT_TOKENS.render_response(count, request).body
        assert msgspec.json.decode(again) == exchange.response["body"]
