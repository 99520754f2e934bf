"""Streams of Messages, read, and written for its clients: each behaviour by a small case."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield import sse
from jackfield.errors import Overloaded, ProviderError
from jackfield.events import (
    AudioDelta,
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
from jackfield.messages import ChatRequest, Citation, Image, Message, Opaque, Reasoning, Text, Usage
from jackfield_anthropic.endpoints import MESSAGES, RESOURCE
from jackfield_anthropic.fields import NAME
from jackfield_anthropic.messages_citations import read_citation

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True)
OWN: dict[str, Any] = {NAME: {}}
START = {
    "type": "message_start",
    "message": {"id": "i", "model": "m", "usage": {"input_tokens": 3}},
}


def wire(*values: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps(value).encode(), value["type"]) for value in values]


def block(index: int, kind: str, **members: Any) -> dict[str, Any]:
    content = {"type": kind, **members}
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **members: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def parse(*values: dict[str, Any]) -> list[StreamEvent]:
    parser = MESSAGES.stream_parser()
    return [found for event in wire(*values) for found in parser.feed(event)]


def render(events: Sequence[StreamEvent]) -> tuple[list[Any], list[str]]:
    renderer = MESSAGES.stream_renderer(REQUEST)
    written = b"".join(map(renderer.render, events))
    values = [json.loads(sse.data_of(event) or b"") for event in sse.split(written)]
    for event, value in zip(sse.split(written), values, strict=True):
        assert event.startswith(f"event: {value['type']}\n".encode())
    return values, [loss.feature for loss in renderer.losses]


def blocks(events: Sequence[StreamEvent]) -> list[Any]:
    """The blocks that a client puts together; they come one after the other."""
    made: list[Any] = []
    for value in render(events)[0]:
        if value["type"] == "content_block_start":
            made.append([value["content_block"]["type"], ""])
        elif value["type"] == "content_block_delta":
            assert value["index"] == len(made) - 1
            delta = value["delta"]
            made[-1][1] += (
                delta.get("text") or delta.get("partial_json") or delta.get("thinking", "")
            )
    return made


def test_a_stream_is_read_block_by_block() -> None:
    events = parse(
        START,
        block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s"),
        stop(0),
        block(1, "text", text=""),
        {"type": "ping"},
        delta(1, "text_delta", text="Hi"),
        stop(1),
        block(2, "tool_use", id="a", name="f", input={}),
        delta(2, "input_json_delta", partial_json='{"x":1}'),
        stop(2),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    )
    assert isinstance(events[0], Started)
    assert events[2:8] == [
        ReasoningDelta(0, "hm", extensions=OWN),
        ReasoningDelta(0, signature="s", extensions=OWN),
        TextDelta(1, "Hi"),
        ToolCallStarted(2, "a", "f"),
        ToolCallDelta(2, '{"x":1}'),
        Finished("tool_calls", 0, "tool_use", OWN),
    ]
    assert isinstance(events[8], UsageReported)
    assert (events[8].usage.input_tokens, events[8].usage.output_tokens) == (3, 5)
    assert events[9:] == [Ended()]


def test_citations_follow_their_complete_text() -> None:
    cited = {"type": "web_search_result_location", "url": "https://example.com"}
    events = parse(
        START,
        block(0, "text", text="", citations=[]),
        delta(0, "citations_delta", citation=cited),
        delta(0, "text_delta", text="Hi"),
        stop(0),
    )
    assert events[2:] == [TextDelta(0, "Hi"), CitationAdded(0, read_citation(cited))]


def test_an_input_in_the_start_of_its_block_is_parsed_once() -> None:
    events = parse(START, block(0, "tool_use", id="a", name="f", input={"x": 1}), stop(0))
    assert events[2:] == [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, '{"x":1}')]


def test_a_message_may_begin_with_content_and_end_without_a_delta() -> None:
    result = {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {}}
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    message = {"id": "i", "model": "m", "content": [result, call], "stop_reason": "tool_use"}
    events = parse({"type": "message_start", "message": message}, {"type": "message_stop"})
    assert events[1:] == [
        PartAdded(0, Opaque(NAME, "code_execution_tool_result", result)),
        ToolCallStarted(1, "a", "f"),
        ToolCallDelta(1, '{"x":1}'),
        Finished("tool_calls", 0, "tool_use", OWN),
        Ended(),
    ]


def test_a_message_that_begins_with_content_goes_on() -> None:
    content = [{"type": "text", "text": "One"}]
    message = {"id": "i", "model": "m", "content": content, "stop_reason": None}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    events = parse(
        {"type": "message_start", "message": message},
        block(1, "text", text=""),
        delta(1, "text_delta", text="Two"),
        stop(1),
        end,
        {"type": "message_stop"},
    )
    assert events[1:3] == [TextDelta(0, "One"), TextDelta(1, "Two")]
    assert [type(event) for event in events[3:]] == [Finished, Ended]


def test_a_block_of_another_kind_is_parsed_when_it_is_complete() -> None:
    events = parse(
        START,
        block(0, "server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":"q"}'),
        stop(0),
        block(1, "compaction", content=None),
        delta(1, "compaction_delta", content="sum"),
        stop(1),
    )
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    assert events[2:] == [
        PartAdded(0, Opaque(NAME, "server_tool_use", search)),
        PartAdded(1, Opaque(NAME, "compaction", {"type": "compaction", "content": "sum"})),
    ]
    values, losses = render(events)
    assert [value["type"] for value in values[1:]] == [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ] * 2
    assert losses == []


def test_a_summary_of_earlier_turns_comes_back_with_its_proof() -> None:
    summary = {"content": "sum", "encrypted_content": "proof"}
    wire = [block(0, "compaction", content=None), delta(0, "compaction_delta", **summary), stop(0)]
    values, _ = render(parse(START, *wire))
    assert values[2]["delta"] == {"type": "compaction_delta", **summary}


def test_an_error_in_a_stream_breaks_it_off() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "No."}}
    assert parse(START, error, block(0, "text"))[2:] == [
        Failed("No.", "overloaded_error", None, 529)
    ]
    assert MESSAGES.terminal(wire(error)[0]) == "error"
    values, _ = render([Failed("No.", "overloaded_error", None, 529)])
    assert values[0]["error"]["type"] == "overloaded_error"
    event = MESSAGES.render_error_event(Overloaded("Later."), "r")
    assert MESSAGES.terminal(event) == "error"


@pytest.mark.parametrize(
    "event",
    [
        b"data: {oops\n\n",
        b"data: [1]\n\n",
        b'data: "\xff"\n\n',
        b'data: {"message":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}\n\n",
        *wire(
            {"type": "content_block_start"},
            {"type": "content_block_delta", "index": 4, "delta": {}},
            {"type": "content_block_stop", "index": 4},
            {"type": "message_start", "message": 5},
            block(0, "text", text="x", citations=[5]),
        ),
    ],
)
def test_junk_in_a_stream_is_a_providers_error(event: bytes) -> None:
    with pytest.raises(ProviderError, match="The provider sent"):
        MESSAGES.stream_parser().feed(event)


@pytest.mark.parametrize("member", ["index", "delta", "content_block", "message", "usage"])
def test_an_event_of_tomorrow_may_have_any_shape(member: str) -> None:
    assert parse(START, {"type": "new", member: ["x"]}, {"type": "message_stop"})[-1] == Ended()


def test_a_stream_of_another_vendor_has_one_block_after_the_other() -> None:
    events: list[StreamEvent] = [
        Started("r", "m"),
        ReasoningDelta(0, "hm"),
        TextDelta(1, "a"),
        TextDelta(1, "b"),
        ToolCallStarted(2, "", "f"),
        ToolCallDelta(2, "{}"),
        Finished("tool_calls"),
        UsageReported(Usage(3, 4)),
        Ended(),
    ]
    assert blocks(events) == [["thinking", "hm"], ["text", "ab"], ["tool_use", "{}"]]
    values, _ = render(events)
    assert values[0]["message"]["content"] == []
    assert values[-2]["delta"]["stop_reason"] == "tool_use"
    assert values[-2]["usage"]["output_tokens"] == 4
    assert values[-1] == {"type": "message_stop"}
    starts = [value["content_block"] for value in values if "content_block" in value]
    assert starts[2]["id"].startswith("toolu_")


def test_interleaved_tool_calls_are_rendered_one_after_the_other() -> None:
    events: list[StreamEvent] = [
        Started("r", "m"),
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(1, '{"y":'),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(0, "1}"),
        TextDelta(2, "t"),
        ToolCallDelta(1, "2}"),
        Ended(),
    ]
    assert blocks(events) == [["tool_use", '{"x":1}'], ["tool_use", '{"y":2}'], ["text", "t"]]


def test_a_call_without_arguments_holds_others_back_no_longer_than_to_the_end() -> None:
    calls = [ToolCallStarted(0, "a", "f"), ToolCallStarted(1, "b", "g")]
    assert blocks([*calls, Finished("tool_calls"), Ended()]) == [["tool_use", ""]] * 2


def test_free_text_for_a_custom_tool_is_json_here() -> None:
    events: list[StreamEvent] = [
        ToolCallStarted(0, "a", "patch", kind="custom"),
        ToolCallDelta(0, 'a"'),
        ToolCallDelta(0, "b"),
        Ended(),
    ]
    ((_, text),) = blocks(events)
    assert json.loads(text) == {"input": 'a"b'}


def test_a_foreign_thought_is_sealed_when_it_ends() -> None:
    events: list[StreamEvent] = [
        ReasoningDelta(0, "h", id="rs_1", extensions={"v.x": {"a": [1]}}),
        ReasoningDelta(0, "m", signature="sig", extensions={"v.x": {"a": [2]}}),
        ReasoningDelta(1, encrypted="secret", extensions={"v.x": {}}),
        ReasoningDelta(2, extensions={"v.x": {}}),
        TextDelta(3, "t"),
        Ended(),
    ]
    values, _ = render(events)
    signature = next(v["delta"] for v in values if v.get("delta", {}).get("signature"))
    hidden = next(v["content_block"] for v in values if v.get("content_block", {}).get("data"))
    content = [{"type": "thinking", "thinking": "hm", "signature": signature["signature"]}, hidden]
    tree = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    assert MESSAGES.parse_request(tree, {}).messages[0].parts == (
        Reasoning("hm", id="rs_1", signature="sig", extensions={"v.x": {"a": [1, 2]}}),
        Reasoning(encrypted="secret", extensions={"v.x": {}}),
    )
    assert [kind for kind, _ in blocks(events)] == ["thinking", "redacted_thinking", "text"]


def test_what_no_stream_of_messages_can_hold_is_named() -> None:
    events: list[StreamEvent] = [
        Started("r", "m"),
        TextDelta(0, "a"),
        TextDelta(0, "b", choice=1),
        CitationAdded(0, Citation("https://e.org", "t")),
        CitationAdded(0, Citation(title="t")),
        AudioDelta(1, transcript="hey"),
        PartAdded(2, Image(data="AA==")),
        PartAdded(3, Opaque("other", "item", {})),
        RefusalDelta(4, "No."),
        Ended(),
    ]
    values, losses = render(events)
    assert losses == ["n", "citations", "audio", "messages.image", "messages.item", "refusals"]
    assert any(value.get("delta", {}).get("type") == "citations_delta" for value in values)
    assert values[-2]["delta"]["stop_reason"] == "refusal"


def test_a_stream_of_nothing_is_still_a_message() -> None:
    values, _ = render([Ended()])
    assert [value["type"] for value in values] == ["message_start", "message_delta", "message_stop"]


def test_the_legacy_completions_end_with_a_stop_reason() -> None:
    more = b'data: {"completion": "a", "stop_reason": null}\n\n'
    last = b'data: {"completion": "", "stop_reason": "stop_sequence"}\n\n'
    assert RESOURCE.terminal(more) is None
    assert RESOURCE.terminal(last) == "end"
    assert RESOURCE.terminal(b'event: error\ndata: {"error": {}}\n\n') == "error"


@pytest.mark.parametrize(
    "data",
    [
        b'{"type": "session.status_idle", "stop_reason": {"type": "requires_action"}}',
        b'{"type": "session.error", "error": {"message": "m"}}',
        b'{"type": "agent.message", "content": []}',
    ],
)
def test_a_session_of_an_agent_goes_on_until_the_connection_ends(data: bytes) -> None:
    event = b"data: " + data + b"\n\n"
    assert RESOURCE.terminal(event) is None
    assert RESOURCE.finishes(event)


def test_a_completion_that_is_cut_is_not_finished() -> None:
    assert not RESOURCE.finishes(b'data: {"type": "completion", "completion": "a"}\n\n')


def test_the_deltas_of_an_unknown_block_are_collected_in_it() -> None:
    wire = [
        block(0, "connector_text", text="", signature=""),
        delta(0, "text_delta", text="a"),
        delta(0, "text_delta", text="b"),
        delta(0, "signature_delta", signature="s"),
        stop(0),
    ]
    whole = {"type": "connector_text", "text": "ab", "signature": "s"}
    assert parse(START, *wire)[2:] == [PartAdded(0, Opaque(NAME, "connector_text", whole))]
