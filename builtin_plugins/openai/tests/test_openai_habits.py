"""What servers of OpenAI's kind do otherwise, and what becomes of it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.errors import ProviderError
from jackfield.events import (
    CitationAdded,
    Ended,
    Failed,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text, ToolCall
from jackfield_openai.endpoints import CHAT, COMPLETIONS, RESPONSES

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True)
AnyText = TextDelta | ReasoningDelta
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any], **fields: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, **fields}]
    return sse.encode(json.dumps({"id": "c", "model": "m", "choices": choices}).encode())


def call(name: str | None, arguments: str, **fields: Any) -> bytes:
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": 0, "function": function, **fields}]})


def parse(*events: bytes, dialect: Dialect = CHAT) -> list[StreamEvent]:
    parser = dialect.stream_parser()
    return [found for event in events for found in parser.feed(event)]


def called(events: Sequence[StreamEvent]) -> list[tuple[str, str, str]]:
    starts = [event for event in events if isinstance(event, ToolCallStarted)]
    found = dict.fromkeys((start.part for start in starts), "")
    for event in events:
        if isinstance(event, ToolCallDelta):
            found[event.part] += event.arguments
    return [(start.id, start.name, found[start.part]) for start in starts]


def test_calls_that_all_have_one_index_are_distinguished_by_their_ids() -> None:
    events = parse(call("f", '{"x":1}', id="a"), call("f", '{"y":', id="b"), call(None, "2}"))
    assert called(events) == [("a", "f", '{"x":1}'), ("b", "f", '{"y":2}')]


def test_an_id_and_a_name_that_are_repeated_begin_no_call() -> None:
    events = parse(call("f", "{", id="a"), call("f", "}", id="a"), call("", "", id="another"))
    assert called(events) == [("a", "f", "{}")]


def test_calls_that_share_an_id_get_ids_of_their_own() -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for name in "fgh"
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    whole = CHAT.parse_response(json.dumps({"id": "c", "choices": [choice]}).encode())
    parts = whole.choices[0].message.parts
    events = parse(*[chunk({"tool_calls": [{"index": i, **c}]}) for i, c in enumerate(calls)])
    for ids in ([p.id for p in parts if isinstance(p, ToolCall)], [c[0] for c in called(events)]):
        assert ids == ["a", "a_2", "a_3"]


def test_a_call_begins_when_its_name_is_known() -> None:
    events = parse(call(None, '{"x"', id="a", type="function"), call("", ":"), call("f", "1}"))
    assert called(events) == [("a", "f", '{"x":1}')]


def test_a_call_that_is_never_named_breaks_the_stream_off() -> None:
    with pytest.raises(ProviderError, match="without a name"):
        parse(call(None, "{}", id="a"), chunk({}, finish_reason="tool_calls"))


def test_an_empty_reason_before_the_end_is_none() -> None:
    events = parse(chunk({"content": "a"}, finish_reason=""), chunk({"content": "b"}), DONE)
    assert events[1:] == [TextDelta(0, "a"), TextDelta(0, "b"), Ended()]
    assert not CHAT.finishes(chunk({"content": "a"}, finish_reason=""))
    plain = [
        b'data: {"choices":[{"index":0,"text":"%b","finish_reason":""}]}\n\n' % word
        for word in (b"a", b"b")
    ]
    assert parse(*plain, dialect=COMPLETIONS)[1:] == [TextDelta(0, "a"), TextDelta(0, "b")]


def test_a_thought_that_ends_where_the_text_begins_stands_before_it() -> None:
    both = chunk({"content": "Yes", "reasoning_content": "m."})
    events = parse(chunk({"reasoning_content": "H"}), both, chunk({"content": "."}))
    found = [(type(event), event.text) for event in events if isinstance(event, AnyText)]
    assert found == [
        (ReasoningDelta, "H"),
        (ReasoningDelta, "m."),
        (TextDelta, "Yes"),
        (TextDelta, "."),
    ]


def test_sources_beside_an_answer_are_citations_of_its_text() -> None:
    listed = {
        "citations": ["https://a.org", "https://b.org"],
        "search_results": [{"title": "B", "url": "https://b.org"}, {"title": "no address"}],
    }
    message = {"role": "assistant", "content": "Yes.[1]"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = CHAT.parse_response(json.dumps({"id": "c", "choices": [choice], **listed}).encode())
    text = whole.choices[0].message.parts[0]
    assert isinstance(text, Text)
    assert [(c.url, c.title) for c in text.citations] == [
        ("https://a.org", None),
        ("https://b.org", "B"),
    ]
    finish = chunk({}, finish_reason="stop").replace(
        b'{"id"', json.dumps(listed).encode()[:-1] + b', "id"'
    )
    events = parse(chunk({"content": "Yes.[1]"}), finish, DONE)
    assert tuple(e.citation for e in events if isinstance(e, CitationAdded)) == text.citations
    back = json.loads(CHAT.render_response(whole, REQUEST).body)
    assert back["citations"] == listed["citations"]
    assert "annotations" not in back["choices"][0]["message"]


@pytest.mark.parametrize(("content", "text"), [({"a": [1]}, '{"a":[1]}'), (7, "7")])
def test_an_answer_that_is_a_json_value_is_its_text(content: Any, text: str) -> None:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = CHAT.parse_response(json.dumps({"id": "c", "choices": [choice]}).encode())
    assert whole.choices[0].message.parts == (Text(text),)
    events = parse(chunk({"content": content}), chunk({}, finish_reason="stop"))
    assert events[1] == TextDelta(0, text)


def test_an_error_of_a_choice_breaks_the_answer_off() -> None:
    error = {"code": 502, "message": "No answer from the model."}
    events = parse(chunk({"content": "a"}), chunk({}, finish_reason="error", error=error))
    assert events[2:] == [Failed("No answer from the model.", None, "502", 502)]
    message = {"role": "assistant", "content": ""}
    choice = {"index": 0, "message": message, "finish_reason": "error", "error": error}
    body = json.dumps({"id": "c", "choices": [choice]}).encode()
    with pytest.raises(ValueError, match="aborted by an error"):
        CHAT.parse_response(body)
    assert CHAT.is_error(json.loads(body))
    assert CHAT.parse_error(502, body).message == "No answer from the model."


def test_a_call_without_arguments_has_an_empty_object() -> None:
    answer = Choice(Message("assistant", (ToolCall("a", "f", ""),)), "tool_calls")
    for dialect in (CHAT, RESPONSES):
        whole = dialect.render_response(ChatResponse("c", "m", (answer,)), REQUEST).body
        assert b'"arguments":"{}"' in whole
    events: list[StreamEvent] = [Started("c", "m"), ToolCallStarted(0, "a", "f"), Ended()]
    for dialect in (CHAT, RESPONSES):
        renderer = dialect.stream_renderer(REQUEST)
        assert b'"arguments":"{}"' in b"".join(map(renderer.render, events))
