"""Streams: Cohere's events in and out, whole or in pieces."""

from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.errors import ProviderError, ProviderUnavailable
from jackfield.events import (
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Citation, Message, Text, Usage
from jackfield_cohere.endpoints import CHAT

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True)
DONE = b"data: [DONE]\n\n"


def event(kind: str, index: int | None = None, **message: Any) -> bytes:
    value: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    if index is not None:
        value["index"] = index
    return sse.encode(msgspec.json.encode(value), kind)


def end(**delta: Any) -> bytes:
    return sse.encode(msgspec.json.encode({"type": "message-end", "delta": delta}), "message-end")


def read(*wires: bytes) -> list[StreamEvent]:
    parser = CHAT.stream_parser()
    return [*(one for wire in wires for one in parser.feed(wire)), *parser.close()]


def write(*events: StreamEvent) -> tuple[list[Any], list[str]]:
    renderer = CHAT.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, events))
    datas = [sse.data_of(one) or b"" for one in sse.split(wire)]
    values = [msgspec.json.decode(data) for data in datas if data != b"[DONE]"]
    return values, [loss.feature for loss in renderer.losses]


def kinds(values: list[Any]) -> list[str]:
    return [value["type"] for value in values]


def test_a_plan_is_complete_before_the_call() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    found = read(
        event("message-start"),
        event("tool-plan-delta", tool_plan="Look"),
        event("tool-plan-delta", tool_plan=" it up."),
        event("tool-call-start", 0, tool_calls=call),
        event("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}}),
        event("tool-call-end", 0),
        end(finish_reason="TOOL_CALL"),
        DONE,
    )
    plan = found[1]
    assert isinstance(plan, ReasoningDelta)
    assert (plan.text, plan.encrypted) == ("", "Look it up.")
    assert found[2:4] == [ToolCallStarted(1, "a", "f"), ToolCallDelta(1, "{}")]
    assert [type(one) for one in found[4:]] == [Finished, Ended]
    values, losses = write(*found)
    assert values[1]["delta"]["message"] == {"tool_plan": "Look it up."}
    assert losses == []


def test_calls_without_an_id_and_in_lists_are_read() -> None:
    function = {"name": "f", "arguments": {"a": 1}}
    found = read(event("tool-call-start", 0, tool_calls=[{"function": function}]))
    started = found[1]
    assert isinstance(started, ToolCallStarted)
    assert started.id.startswith("f_")
    assert found[2] == ToolCallDelta(0, '{"a":1}')


def test_a_stream_without_a_marker_ends_behind_its_last_event() -> None:
    last = end(finish_reason="MAX_TOKENS", usage={"tokens": {"input_tokens": 2}})
    found = read(event("message-start"), last)
    assert isinstance(found[1], Finished)
    assert (found[1].reason, found[1].detail) == ("length", "MAX_TOKENS")
    assert isinstance(found[2], UsageReported)
    assert found[3] == Ended()
    assert CHAT.finishes(last)
    assert CHAT.terminal(last) is None


@pytest.mark.parametrize(
    "wire",
    [
        end(finish_reason="ERROR", error="overloaded"),
        b'data: {"message":"overloaded"}\n\n',
        b'event: error\ndata: {"message":"overloaded"}\n\n',
        b'data: {"error":{"message":"overloaded"}}\n\n',
    ],
)
def test_an_error_in_the_stream_breaks_it_off(wire: bytes) -> None:
    assert read(event("message-start"), wire)[-1] == Failed("overloaded")


@pytest.mark.parametrize(("word", "why"), [("ERROR", "failed"), ("TIMEOUT", "ran out of time")])
def test_an_answer_that_was_given_up_is_no_answer(word: str, why: str) -> None:
    *_, last = read(event("message-start"), end(finish_reason=word))
    assert isinstance(last, Failed)
    assert why in last.message


@pytest.mark.parametrize(
    ("wire", "terminal"),
    [
        (DONE, "end"),
        (end(finish_reason="ERROR", error="x"), "error"),
        (end(finish_reason="ERROR"), "error"),
        (end(finish_reason="TIMEOUT", usage={"tokens": {"input_tokens": 2}}), "error"),
        (event("content-delta", 0, content={"text": "ERROR: TIMEOUT"}), None),
        (b'event: error\ndata: {"message":"x"}\n\n', "error"),
        (event("content-delta", 0, content={"text": "an error"}), None),
        (b": comment\n\n", None),
    ],
)
def test_the_end_and_errors_are_distinguished_from_texts_like_them(
    wire: bytes, terminal: str | None
) -> None:
    assert CHAT.terminal(wire) == terminal


def test_what_is_no_event_is_an_error() -> None:
    for wire in (b"data: nonsense\n\n", b"data: []\n\n"):
        with pytest.raises(ProviderError):
            read(wire)
    with pytest.raises(ProviderError, match="had not begun"):
        read(event("tool-call-delta", 3, tool_calls={"function": {"arguments": "x"}}))


def test_an_unknown_event_is_kept_for_coheres_clients() -> None:
    wire = event("video-delta", 0, video="x")
    found = read(event("message-start"), wire)
    assert isinstance(found[1], PartAdded)
    values, _ = write(*found)
    assert values[1]["delta"]["message"] == {"video": "x"}


def test_blocks_begin_and_end_in_order() -> None:
    values, losses = write(
        Started("id", "m"),
        ReasoningDelta(0, "Hm."),
        TextDelta(1, "Sun"),
        TextDelta(1, "ny"),
        ToolCallStarted(2, "a", "f"),
        ToolCallDelta(2, "{}"),
        ToolCallStarted(3, "b", "g"),
        Finished("tool_calls"),
        UsageReported(Usage(5, 3)),
        Ended(),
    )
    assert kinds(values) == [
        *("message-start", "content-start", "content-delta", "content-end"),
        *("content-start", "content-delta", "content-delta", "content-end"),
        *("tool-call-start", "tool-call-delta", "tool-call-end"),
        *("tool-call-start", "tool-call-end", "message-end"),
    ]
    assert [value.get("index") for value in values[1:-1]] == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1]
    assert values[-1]["delta"]["finish_reason"] == "TOOL_CALL"
    assert values[-1]["delta"]["usage"]["tokens"] == {"input_tokens": 5, "output_tokens": 3}
    assert losses == []


def test_a_citation_quotes_the_text_so_far() -> None:
    cited = Citation("https://example.com", "T", None, 0, 3)
    values, _ = write(
        Started("i", "m"), ReasoningDelta(0, "Hm."), TextDelta(1, "Yes."), CitationAdded(1, cited)
    )
    citation = values[-2]["delta"]["message"]["citations"]
    assert (citation["text"], citation["content_index"]) == ("Yes", 1)
    assert kinds(values)[-2:] == ["citation-start", "citation-end"]


def test_a_signature_comes_as_a_delta_and_is_read_again() -> None:
    note: Any = {"anthropic.messages": {}}
    delta = ReasoningDelta(0, signature="sig", extensions=note)
    renderer = CHAT.stream_renderer(REQUEST)
    events: list[StreamEvent] = [Started("i", "m"), ReasoningDelta(0, "Hm."), delta]
    wire = b"".join(map(renderer.render, events))
    assert read(*sse.split(wire))[-1] == delta


def test_what_a_client_of_cohere_cannot_get_is_named() -> None:
    _, losses = write(
        Started("i", "m"), RefusalDelta(0, "No."), TextDelta(0, "x", choice=1), Finished("stop")
    )
    assert losses == ["refusals", "n"]


def test_a_stream_that_cannot_go_on_ends_in_an_error() -> None:
    wire = CHAT.render_error_event(ProviderUnavailable("Gone."), "req")
    value = msgspec.json.decode(sse.data_of(wire) or b"")
    assert value["delta"] == {"finish_reason": "ERROR", "error": "Gone."}
    assert CHAT.terminal(wire) == "error"
