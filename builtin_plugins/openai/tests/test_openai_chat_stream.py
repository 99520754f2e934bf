"""Streamed chat answers."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

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
from jackfield.messages import Audio, ChatRequest, Citation, Image, Message, Opaque, Text, Usage
from jackfield_openai.chat import ChatDialect

CHAT = ChatDialect()
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True)
COUNTED = ChatRequest("m", REQUEST.messages, stream=True, include_usage=True)
DONE = b"data: [DONE]\n\n"


def chunk(*deltas: dict[str, Any], **fields: Any) -> bytes:
    choices = [{"index": i, "delta": delta, **fields} for i, delta in enumerate(deltas)]
    return sse.encode(
        json.dumps({"id": "c", "model": "m", "created": 1, "choices": choices}).encode()
    )


def parse(*events: bytes) -> list[StreamEvent]:
    parser = CHAT.stream_parser()
    return [found for event in events for found in parser.feed(event)]


def render(events: Sequence[StreamEvent], request: ChatRequest = REQUEST) -> list[Any]:
    renderer = CHAT.stream_renderer(request)
    wire = b"".join(map(renderer.render, events))
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    return [json.loads(data) if data.startswith(b"{") else data.decode() for data in datas]


def deltas(chunks: list[Any]) -> list[Any]:
    return [c["choices"][0]["delta"] for c in chunks if isinstance(c, dict) and c["choices"]]


def call(**fields: Any) -> dict[str, Any]:
    return {"tool_calls": [fields]}


def test_a_stream_is_read_chunk_by_chunk() -> None:
    events = parse(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "He"}),
        chunk({"content": "llo"}, finish_reason="stop"),
        b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\n',
        DONE,
    )
    assert events[:4] == [
        Started("c", "m", 1),
        TextDelta(0, "He"),
        TextDelta(0, "llo"),
        Finished("stop"),
    ]
    assert isinstance(events[4], UsageReported)
    assert (events[4].usage.input_tokens, events[4].usage.output_tokens) == (1, 2)
    assert events[5:] == [Ended()]


def test_reasoning_text_and_refusal_are_parts_of_their_own() -> None:
    events = parse(
        chunk({"reasoning_content": "t"}),
        chunk({"reasoning": "u", "content": ""}),
        chunk({"content": "a"}),
        chunk({"refusal": "no"}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "v"}]}]}),
    )
    texts = (e for e in events if isinstance(e, TextDelta | ReasoningDelta | RefusalDelta))
    found = [(type(e), e.part, e.text) for e in texts]
    assert found == [
        (ReasoningDelta, 0, "t"),
        (ReasoningDelta, 0, "u"),
        (TextDelta, 1, "a"),
        (RefusalDelta, 2, "no"),
        (ReasoningDelta, 3, "v"),
    ]


def test_reasoning_under_two_names_is_read_once() -> None:
    delta = {"reasoning_content": "t", "reasoning": "t"}
    events = parse(chunk(delta))
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["t"]
    assert deltas(render(events))[1] == delta


def test_reasoning_details_carry_their_proof() -> None:
    details = [{"type": "reasoning.text", "signature": "s"}]
    events = parse(chunk({"reasoning": None, "reasoning_details": details}))
    delta = events[1]
    assert isinstance(delta, ReasoningDelta)
    assert delta.signature == "s"
    assert deltas(render(events))[1] == {"reasoning_details": details}


def test_tool_calls_with_gaps_and_together_in_one_chunk_are_distinguished() -> None:
    two = [
        {"index": 3, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
        {"index": 5, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{"}},
    ]
    events = parse(
        chunk({"tool_calls": two}),
        chunk(call(index=5, function={"arguments": "}"})),
        chunk(call(index=3, function={"arguments": "}"})),
    )
    assert events[1:] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, "{"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(1, "{"),
        ToolCallDelta(1, "}"),
        ToolCallDelta(0, "}"),
    ]
    indices = [d["tool_calls"][0]["index"] for d in deltas(render(events)) if "tool_calls" in d]
    assert indices == [0, 0, 1, 1, 1, 0]


def test_tool_calls_without_index_or_id_are_distinguished_by_their_names() -> None:
    events = parse(
        chunk(call(function={"name": "f", "arguments": {"a": 1}})),
        chunk(call(function={"name": "g", "arguments": ""})),
        chunk(call(function={"arguments": "{}"})),
    )
    starts = [event for event in events if isinstance(event, ToolCallStarted)]
    args = [(e.part, e.arguments) for e in events if isinstance(e, ToolCallDelta)]
    assert [start.name for start in starts] == ["f", "g"]
    assert all(start.id for start in starts)
    assert args == [(0, '{"a":1}'), (1, "{}")]


def test_custom_and_legacy_calls_stream_in_their_own_forms() -> None:
    custom = parse(
        chunk(call(index=0, id="1", type="custom", custom={"name": "sql", "input": ""})),
        chunk(call(index=0, custom={"input": "select"})),
    )
    assert deltas(render(custom))[2] == call(index=0, custom={"input": "select"})
    legacy = parse(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}, finish_reason="function_call"),
    )
    finished = legacy[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "tool_calls"
    assert deltas(render(legacy))[2] == {"function_call": {"arguments": "{}"}}


def test_audio_images_and_annotations_are_events() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    cited = {"start_index": 0, "end_index": 1, "title": "t", "url": "https://e.org"}
    annotation = {"type": "url_citation", "url_citation": cited}
    sent: list[dict[str, Any]] = [
        {"audio": {"id": "x", "transcript": "hi"}},
        {"images": [{"index": 0, **image}]},
        {"content": "a"},
        {"annotations": [{"index": 0, **annotation}]},
    ]
    events = parse(*(chunk(delta) for delta in sent))
    assert [type(e) for e in events[1:]] == [AudioDelta, PartAdded, TextDelta, CitationAdded]
    assert deltas(render(events))[1:5] == sent


def test_extras_travel_with_the_start_and_the_finish() -> None:
    events = parse(
        b'data: {"choices": [], "prompt_filter_results": [1]}\n\n',
        b'data: {"system_fingerprint": "fp", "choices": [{"delta": {"role": "assistant"}}]}\n\n',
        chunk({"executed_tools": [1]}, finish_reason="stop", native_finish_reason="end_turn"),
        b'data: {"choices": [], "usage": {"prompt_tokens": 1}, "latency": 5}\n\n',
        DONE,
    )
    *chunks, last, _ = render(events, COUNTED)
    assert chunks[0]["prompt_filter_results"] == [1]
    assert chunks[0]["system_fingerprint"] == "fp"
    assert chunks[-1]["choices"][0]["native_finish_reason"] == "end_turn"
    assert chunks[-1]["choices"][0]["delta"] == {"executed_tools": [1]}
    assert last["latency"] == 5


def test_choices_are_kept_apart() -> None:
    events = parse(chunk({"content": "a"}, {"content": "b"}), chunk({}, {}, finish_reason="stop"))
    assert [(e.choice, e.text) for e in events if isinstance(e, TextDelta)] == [(0, "a"), (1, "b")]
    wire = [c["choices"][0] for c in render(events)]
    assert [(c["index"], c["delta"].get("role")) for c in wire if "role" in c["delta"]] == [
        (0, "assistant"),
        (1, "assistant"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        b"data: {oops\n\n",
        b"data: [1]\n\n",
        b'data: "\xff"\n\n',
        b'data: {"choices": 5}\n\n',
        b'data: {"choices": [5]}\n\n',
        b'data: {"choices": [{"delta": 5}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [5]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"function": 5}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"images": [5]}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": [5]}}]}\n\n',
    ],
)
def test_junk_in_a_stream_is_a_providers_error(event: bytes) -> None:
    with pytest.raises(ProviderError, match="The provider sent"):
        parse(event)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"message": "No.", "type": "t", "code": 429}}\n\n',
        b'event: error\ndata: {"error": {"message": "No.", "type": "t", "code": 429}}\n\n',
        b'event: error\ndata: {"message": "No.", "type": "t", "code": 429}\n\n',
        b'data: {"object": "error", "message": "No.", "type": "t", "code": 429}\n\n',
        b'data: {"message": "No.", "type": "t", "code": 429}\n\n',
    ],
)
def test_an_error_in_a_stream_breaks_it_off(event: bytes) -> None:
    assert parse(event, chunk({"content": "late"})) == [Failed("No.", "t", "429", 429)]
    assert CHAT.terminal(event) == "error"
    failed = render([Failed("No.", "t", "429", 429)])
    assert failed[0]["error"]["message"] == "No."


def test_a_stream_that_finished_ends_at_a_clean_close() -> None:
    parser = CHAT.stream_parser()
    parser.feed(chunk({"content": "a"}))
    assert parser.close() == ()
    parser.feed(chunk({}, finish_reason="stop"))
    assert list(parser.close()) == [Ended()]
    assert parser.close() == ()


def test_comments_say_nothing() -> None:
    assert parse(b": OPENROUTER PROCESSING\n\n") == []


def test_usage_is_sent_only_to_a_client_that_requested_it() -> None:
    events: list[StreamEvent] = [
        Started("c", "m"),
        TextDelta(0, "a"),
        Finished("stop"),
        UsageReported(Usage(1, 2)),
        Ended(),
    ]
    assert not any("usage" in c for c in render(events) if isinstance(c, dict))
    *chunks, last, done = render(events, COUNTED)
    assert all(c["usage"] is None for c in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3
    assert done == "[DONE]"


def test_a_role_comes_first_and_one_finish_last_whatever_the_events() -> None:
    chunks = render([TextDelta(0, "a"), Ended()])
    assert deltas(chunks)[0] == {"role": "assistant", "content": ""}
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1]] == [None, None, "stop"]
    assert render([Ended()])[-1] == "[DONE]"
    assert len(render([Started("c", "m"), Finished("stop"), Finished("stop"), Ended()])) == 3


def test_reasoning_and_opaque_parts_of_another_dialect() -> None:
    renderer = CHAT.stream_renderer(REQUEST)
    wire = [
        renderer.render(event)
        for event in (
            Started("c", "m"),
            ReasoningDelta(0, "one"),
            ReasoningDelta(0, signature="s"),
            ReasoningDelta(1, "two"),
            PartAdded(2, Opaque("other", "custom", {})),
            PartAdded(3, Image(url="https://e.org/i.png")),
            CitationAdded(4, Citation(cited_text="x")),
        )
    ]
    assert b'"reasoning_content":"one"' in wire[1]
    assert b'"reasoning_content":"\\n\\ntwo"' in wire[3]
    assert [loss.feature for loss in renderer.losses] == [
        "messages.custom",
        "images.output",
        "citations",
    ]
    assert wire[2] == wire[4] == b""


def test_a_citation_of_a_whole_text_has_the_span_of_the_text() -> None:
    cited = CitationAdded(1, Citation("https://e.org"))
    hm, yes, dot = TextDelta(0, "Hm. "), TextDelta(1, "Yes"), TextDelta(2, ".")
    annotations = deltas(render([hm, yes, cited, dot, cited, Ended()]))
    annotations = [delta["annotations"][0] for delta in annotations if "annotations" in delta]
    spans = [
        (t["url_citation"]["start_index"], t["url_citation"]["end_index"]) for t in annotations
    ]
    assert spans == [(4, 7), (4, 7)]


def test_sound_that_comes_whole_is_an_answers_audio() -> None:
    chunks = render([PartAdded(0, Audio("aGk=", "wav", transcript="hi")), Ended()])
    assert {"audio": {"data": "aGk=", "transcript": "hi"}} in deltas(chunks)
