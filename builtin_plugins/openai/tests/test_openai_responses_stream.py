"""Streams in the Responses dialect, read and written."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from jackfield import sse
from jackfield.errors import ProviderError
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
from jackfield.messages import ChatRequest, Citation, Image, Message, Opaque, Text, Usage
from jackfield_openai.responses import ResponsesDialect

RESPONSES = ResponsesDialect()
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True)
STARTED = Started("chatcmpl-abc", "m", 1700)
SDK_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def render(*events: StreamEvent) -> list[dict[str, Any]]:
    renderer = RESPONSES.stream_renderer(REQUEST)
    wire = b"".join(renderer.render(event) for event in events)
    values = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(wire)]
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for number, value in enumerate(values):
        assert value["sequence_number"] == number
        SDK_EVENT.validate_python(value)
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=value))
    return values


def kinds(values: Iterable[dict[str, Any]]) -> list[str]:
    return [value["type"].removeprefix("response.") for value in values]


def parse(*values: dict[str, Any]) -> list[StreamEvent]:
    parser = RESPONSES.stream_parser()
    events: list[StreamEvent] = []
    for value in values:
        events += parser.feed(sse.encode(msgspec.json.encode(value), value.get("type", "")))
    return [*events, *parser.close()]


def test_text_goes_through_the_whole_grammar() -> None:
    values = render(
        STARTED,
        TextDelta(0, "He"),
        TextDelta(0, "llo"),
        Finished("stop"),
        UsageReported(Usage(1, 2)),
        Ended(),
    )
    assert kinds(values) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert values[6]["text"] == "Hello"
    assert values[-1]["response"]["output"] == [values[-2]["item"]]
    assert values[-1]["response"]["usage"]["total_tokens"] == 3


def test_reasoning_is_done_before_text_begins() -> None:
    values = render(
        STARTED, ReasoningDelta(0, "hm"), TextDelta(1, "Yes"), Finished("stop"), Ended()
    )
    assert kinds(values)[2:10] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
    ]
    thought, message = values[-1]["response"]["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert message["content"][0]["text"] == "Yes"


def test_deltas_of_parallel_calls_may_come_in_any_order() -> None:
    values = render(
        STARTED,
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g", kind="custom"),
        ToolCallDelta(1, "te"),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "xt"),
        Finished("tool_calls"),
        Ended(),
    )
    first, second = values[-1]["response"]["output"]
    assert (first["call_id"], first["arguments"], first["status"]) == ("a", "{}", "completed")
    assert (second["type"], second["input"]) == ("custom_tool_call", "text")
    added = [v["item"]["id"] for v in values if v["type"] == "response.output_item.added"]
    assert added == [first["id"], second["id"]]


def test_text_after_a_call_begins_a_message_of_its_own() -> None:
    values = render(
        STARTED,
        TextDelta(0, "a"),
        ToolCallStarted(1, "a", "f"),
        TextDelta(0, "b"),
        Finished("stop"),
        Ended(),
    )
    output = values[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]


def test_text_and_refusal_are_parts_of_one_message() -> None:
    values = render(STARTED, TextDelta(0, "a"), RefusalDelta(1, "No."), Finished("stop"), Ended())
    (message,) = values[-1]["response"]["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]


def test_a_citation_is_an_annotation_of_the_open_text() -> None:
    cited = CitationAdded(0, Citation("https://example.com", "T", None, 0, 1))
    values = render(STARTED, TextDelta(0, "a"), cited, Finished("stop"), Ended())
    assert "output_text.annotation.added" in kinds(values)
    text = values[-1]["response"]["output"][0]["content"][0]
    assert text["annotations"][0]["url"] == "https://example.com"


def test_a_citation_that_does_not_say_of_what_is_one_of_the_whole_text() -> None:
    cited = CitationAdded(0, Citation("https://example.com"))
    values = render(STARTED, TextDelta(0, "abc"), cited, Finished("stop"), Ended())
    (annotation,) = values[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert (annotation["start_index"], annotation["end_index"]) == (0, 3)


def test_a_citation_may_come_before_the_text() -> None:
    cited = CitationAdded(0, Citation("https://example.com"))
    values = render(STARTED, cited, TextDelta(0, "a"), Finished("stop"), Ended())
    (message,) = values[-1]["response"]["output"]
    assert message["content"][0]["text"] == "a"
    assert len(message["content"][0]["annotations"]) == 1


def test_a_limit_makes_the_answer_and_its_last_item_incomplete() -> None:
    values = render(STARTED, TextDelta(0, "a"), Finished("length"), Ended())
    assert values[-1]["type"] == "response.incomplete"
    assert values[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert values[-2]["item"]["status"] == "incomplete"


def test_a_failure_has_openais_form() -> None:
    failed = Failed("Too busy.", code="rate_limit_exceeded")
    values = render(STARTED, TextDelta(0, "a"), failed, Ended())
    assert kinds(values)[-2:] == ["error", "failed"]
    assert values[-1]["response"]["status"] == "failed"
    assert values[-1]["response"]["error"]["message"] == "Too busy."


def test_further_answers_are_lost_once_and_by_name() -> None:
    renderer = RESPONSES.stream_renderer(REQUEST)
    for event in (STARTED, TextDelta(0, "a"), TextDelta(0, "b", choice=1), TextDelta(0, "c", 1)):
        renderer.render(event)
    assert [loss.feature for loss in renderer.losses] == ["n"]


def test_a_stream_without_a_beginning_gets_one() -> None:
    assert kinds(render(Finished("stop"), Ended())) == ["created", "in_progress", "completed"]


def test_whole_items_of_this_dialect_are_added_and_done() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {}}
    opaque = Opaque("openai.responses", "web_search_call", item)
    renderer = RESPONSES.stream_renderer(REQUEST)
    wire = renderer.render(STARTED) + renderer.render(PartAdded(0, opaque))
    events = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(wire)]
    assert kinds(events)[2:] == ["output_item.added", "output_item.done"]
    assert events[-1]["item"] == item


def test_audio_becomes_its_transcript() -> None:
    renderer = RESPONSES.stream_renderer(REQUEST)
    renderer.render(STARTED)
    wire = renderer.render(AudioDelta(0, "UklG")) + renderer.render(AudioDelta(0, "", "Hello"))
    assert b'"delta":"Hello"' in wire
    assert [(loss.feature, loss.how) for loss in renderer.losses] == [
        ("messages.audio", "approximated")
    ]


def test_an_image_is_an_item_and_what_is_unknown_is_lost() -> None:
    renderer = RESPONSES.stream_renderer(REQUEST)
    renderer.render(STARTED)
    assert b'"result":"aGk="' in renderer.render(PartAdded(0, Image(data="aGk=")))
    assert renderer.render(PartAdded(1, Opaque("vendor.x", "block", {}))) == b""
    assert [loss.feature for loss in renderer.losses] == ["messages.block"]


def test_log_probabilities_go_with_their_deltas() -> None:
    entry = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    delta = TextDelta(0, "a", logprobs={"content": [entry], "refusal": None})
    values = render(STARTED, delta, Finished("stop"), Ended())
    assert [v["logprobs"] for v in values if v["type"].endswith("text.delta")] == [[entry]]
    assert values[-1]["response"]["output"][0]["content"][0]["logprobs"] == [entry]


CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 1}}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
    "encrypted_content": "gAAA",
}


def assembled(events: Iterable[StreamEvent]) -> dict[str, Any]:
    renderer = RESPONSES.stream_renderer(REQUEST)
    wire = b"".join(renderer.render(event) for event in events)
    final: dict[str, Any] = msgspec.json.decode(sse.data_of(sse.split(wire)[-1]) or b"")
    return final


def test_a_provider_may_leave_all_deltas_out() -> None:
    output = [THOUGHT, MESSAGE, CALL]
    final = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    events = parse(CREATED, final)
    assert [type(event).__name__ for event in events] == [
        "Started",
        "ReasoningDelta",
        "ReasoningDelta",
        "TextDelta",
        "ToolCallStarted",
        "ToolCallDelta",
        "Finished",
        "Ended",
    ]
    assert assembled(events)["response"]["output"][0] == THOUGHT


def test_refusals_and_annotations_are_read() -> None:
    annotation = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0}
    text, refusal = {"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "No."}
    item = {**MESSAGE, "content": [{**text, "annotations": [annotation]}, refusal]}
    events = parse(
        CREATED,
        {"type": "response.output_item.added", "item": {**MESSAGE, "content": []}},
        {"type": "response.output_text.delta", "delta": "a"},
        {"type": "response.output_text.annotation.added", "annotation": annotation},
        {"type": "response.refusal.delta", "delta": "N", "content_index": 1},
        {"type": "response.refusal.delta", "delta": "o.", "content_index": 1},
        {"type": "response.refusal.done", "refusal": "No.", "content_index": 1},
        {"type": "response.output_item.done", "item": item},
    )
    assert [type(event).__name__ for event in events[1:]] == [
        "TextDelta",
        "CitationAdded",
        "RefusalDelta",
        "RefusalDelta",
    ]
    assert assembled([*events, Ended()])["response"]["output"][0]["id"] == "msg_1"


def test_a_refusal_and_an_annotation_may_come_with_the_item_alone() -> None:
    annotation = {"type": "url_citation", "url": "u", "title": "t"}
    text = {"type": "output_text", "text": "a", "annotations": [annotation]}
    content = [text, {"type": "refusal", "refusal": "No."}, {"type": "output_new", "a": 1}]
    item = {**MESSAGE, "content": content}
    events = parse(CREATED, {"type": "response.output_item.done", "item": item})
    assert [type(event).__name__ for event in events[1:]] == [
        "TextDelta",
        "CitationAdded",
        "RefusalDelta",
        "PartAdded",
    ]
    again = assembled([*events, Ended()])["response"]["output"][0]["content"]
    assert [block["type"] for block in again] == ["output_text", "refusal", "output_new"]


def test_what_the_deltas_have_is_not_repeated() -> None:
    delta = {"type": "response.output_text.delta", "delta": "Hello", "output_index": 0}
    done = {"type": "response.output_text.done", "text": "Hello", "output_index": 0}
    item = {"type": "response.output_item.done", "item": MESSAGE, "output_index": 0}
    final = {"type": "response.completed", "response": {"output": [MESSAGE]}}
    texts = [e.text for e in parse(CREATED, delta, done, item, final) if isinstance(e, TextDelta)]
    assert texts == ["Hello"]


def test_a_call_without_a_start_event_comes_with_its_item() -> None:
    delta = {"type": "response.function_call_arguments.delta", "delta": "{", "output_index": 0}
    item = {"type": "response.output_item.done", "item": CALL, "output_index": 0}
    events = parse(CREATED, delta, item)
    assert [type(event).__name__ for event in events[1:]] == ["ToolCallStarted", "ToolCallDelta"]
    assert events[-1] == ToolCallDelta(0, "{}")


def test_events_of_a_kind_that_is_not_known_are_nothing() -> None:
    assert parse({"type": "response.something.new", "delta": {"a": 1}}, {"other": 1}) == []
    assert RESPONSES.stream_parser().feed(b"data: [DONE]\n\n") == ()
    assert RESPONSES.stream_parser().feed(b": ping\n\n") == ()


def test_an_error_that_openai_reports_twice_is_one_failure() -> None:
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "No money."}
    events = parse(
        {"type": "error", "sequence_number": 2, "error": error},
        {"type": "response.failed", "response": {"status": "failed", "error": error}},
    )
    assert events == [Failed("No money.", "insufficient_quota", "insufficient_quota")]


def test_an_error_is_read_in_its_documented_form_too() -> None:
    (failed,) = parse({"type": "error", "code": "server_error", "message": "No.", "param": None})
    assert isinstance(failed, Failed)
    assert (failed.message, failed.code) == ("No.", "server_error")


@pytest.mark.parametrize(
    "value",
    [
        {"type": "response.output_text.delta", "delta": "x", "output_index": []},
        {"type": "response.output_item.done", "item": {**CALL, "name": 3}},
        {"type": "response.output_item.done", "item": {**THOUGHT, "summary": "hm"}},
        {"type": "response.output_item.done", "item": {**MESSAGE, "content": [3]}},
        {"type": "response.created", "response": {"created_at": "now"}},
        {"type": "response.completed", "response": [1]},
        {"type": "response.completed", "response": {"output": 3}},
        {"type": ["response.completed"]},
    ],
    ids=str,
)
def test_an_event_of_a_wrong_shape_is_the_providers_fault(value: dict[str, Any]) -> None:
    parser = RESPONSES.stream_parser()
    wire = sse.encode(msgspec.json.encode(value))
    with pytest.raises(ProviderError):
        parser.feed(wire)


def test_an_event_that_is_not_json_is_the_providers_fault() -> None:
    parser = RESPONSES.stream_parser()
    with pytest.raises(ProviderError):
        parser.feed(b"data: {no\n\n")
