"""What holds for every conversation, every cut of a stream and every kind of junk."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import sse
from jackfield.events import (
    Ended,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from jackfield.testing import check_dialect
from jackfield.testing.spoiled import spoiled
from jackfield_anthropic.endpoints import BEDROCK, COUNT_TOKENS, MESSAGES, VERTEX
from jackfield_anthropic.fields import NAME
from jackfield_anthropic.messages_native import native_body

OWN: dict[str, Any] = {NAME: {}}
WORDS = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
IDS = st.text("abcdefghijklmnop_-0123456789", min_size=1, max_size=12)
VALUES = st.dictionaries(WORDS, st.one_of(st.integers(-9, 9), WORDS, st.none()), max_size=3)
ARGUMENTS = VALUES.map(lambda value: msgspec.json.encode(value).decode())
TEXTS = st.builds(Text, WORDS)
IMAGES = st.one_of(
    st.builds(Image, url=WORDS, extensions=st.just(OWN)),
    st.builds(Image, data=WORDS, media_type=st.just("image/png"), extensions=st.just(OWN)),
)
DOCUMENTS = st.builds(
    Document,
    data=WORDS,
    media_type=st.just("application/pdf"),
    name=st.none() | WORDS,
    extensions=st.just(OWN),
)
THOUGHTS = st.one_of(
    st.builds(Reasoning, WORDS, signature=WORDS, extensions=st.just(OWN)),
    st.builds(Reasoning, encrypted=WORDS, extensions=st.just(OWN)),
)
CALLS = st.builds(ToolCall, IDS, WORDS, ARGUMENTS)
USER: st.SearchStrategy[Part] = st.one_of(TEXTS, IMAGES, DOCUMENTS)
MODEL: st.SearchStrategy[Part] = st.one_of(TEXTS, THOUGHTS, CALLS)
LIST: dict[str, Any] = {NAME: {"$content": "list"}}
RESULTS = st.builds(
    ToolResult,
    IDS,
    st.lists(TEXTS | IMAGES, max_size=2).map(tuple),
    is_error=st.booleans(),
    extensions=st.just(LIST),
)


def turn(role: Any, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    lists = st.lists(parts, min_size=1, max_size=4).map(tuple)
    return st.builds(Message, st.just(role), lists, extensions=st.just(LIST))


MESSAGE = st.one_of(turn("user", USER), turn("assistant", MODEL), turn("tool", RESULTS))
REQUESTS = st.builds(
    ChatRequest,
    model=WORDS,
    messages=st.lists(MESSAGE, min_size=1, max_size=5).map(tuple),
    tools=st.lists(
        st.builds(Tool, WORDS, st.none() | WORDS, VALUES, extensions=st.just(OWN)), max_size=2
    ).map(tuple),
    tool_choice=st.none(),
    max_tokens=st.integers(1, 99),
    temperature=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 9),
    stop=st.lists(WORDS, max_size=2).map(tuple),
    include_usage=st.just(True),
    extensions=st.just(OWN),
)
RESPONSES = st.builds(
    lambda parts, reason, counts: ChatResponse(
        "msg_1", "m", (Choice(Message("assistant", parts), reason),), Usage(*counts)
    ),
    st.lists(MODEL, max_size=4).map(tuple),
    st.sampled_from(["stop", "length"]),
    st.tuples(st.integers(0, 99), st.integers(0, 99)),
)


@settings(max_examples=150, deadline=None)
@given(REQUESTS)
def test_a_request_that_messages_can_carry_comes_back_the_same(request: ChatRequest) -> None:
    for dialect in (MESSAGES, VERTEX, BEDROCK):
        rendered = dialect.render_request(request)
        assert rendered.losses == ()
        tree = msgspec.json.decode(rendered.body)
        assert dialect.parse_request(tree, {"model": request.model}) == request


@settings(max_examples=150, deadline=None)
@given(RESPONSES)
def test_an_answer_that_messages_can_carry_comes_back_the_same(response: ChatResponse) -> None:
    request = ChatRequest("m", ())
    rendered = MESSAGES.render_response(response, request)
    again = MESSAGES.parse_response(rendered.body)
    assert rendered.losses == ()
    assert again.choices[0].message.parts == response.choices[0].message.parts
    assert again.usage is not None
    assert again.usage.total_tokens == (response.usage or Usage()).total_tokens


EVENTS: list[StreamEvent] = [
    Started("msg_1", "m"),
    ReasoningDelta(0, "Hm – ", extensions=OWN),
    ReasoningDelta(0, signature="c2ln", extensions=OWN),
    TextDelta(1, "Grüße, 世界 "),
    TextDelta(1, "🙂"),
    ToolCallStarted(2, "toolu_1", "f"),
    ToolCallDelta(2, '{"a":'),
    ToolCallDelta(2, "1}"),
    Finished("tool_calls"),
    UsageReported(Usage(3, 4)),
    Ended(),
]


REQUEST: Any = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "text", "text": "x", "citations": [{"type": "page_location"}]},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}},
                {"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [{"type": "text", "text": "r"}],
                    "is_error": True,
                },
                {"type": "image", "source": {"type": "url", "url": "https://e.org"}},
                {
                    "type": "document",
                    "title": "d",
                    "source": {"type": "content", "content": [{"type": "text", "text": "c"}]},
                },
            ],
        },
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["x"],
    "temperature": 0.5,
    "stream": True,
    "service_tier": "auto",
}
ANSWER: Any = {
    "id": "msg",
    "model": "m",
    "content": [
        {"type": "text", "text": "x", "citations": [{"url": "u", "title": 1}]},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
    ],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3},
}
CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0, "document_title": None}
QUOTE = {**CITATION, "start_char_index": 0, "end_char_index": 1}
CITED: list[Any] = [
    {"type": "message_start", "message": {"id": "i", "model": "m", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": QUOTE},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "ping"},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
FAILED: list[Any] = [
    *CITED[:3],
    {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
]


def wire(events: list[Any]) -> bytes:
    return b"".join(sse.encode(msgspec.json.encode(one), one["type"]) for one in events)


RENDERER = MESSAGES.stream_renderer(ChatRequest("m", ()))
STREAMS = [b"".join(map(RENDERER.render, EVENTS)), wire(CITED), wire(FAILED)]
COUNTED = {key: REQUEST[key] for key in ("model", "system", "messages", "tools")}

test_laws_of_messages = check_dialect(
    MESSAGES, requests=[REQUEST], answers=[ANSWER], streams=STREAMS
)
test_laws_of_messages_on_vertex = check_dialect(
    VERTEX, requests=[REQUEST], answers=[ANSWER], streams=STREAMS, params={"model": "m"}
)
test_laws_of_counting_tokens = check_dialect(
    COUNT_TOKENS, requests=[COUNTED], answers=[{"input_tokens": 1}]
)


def test_whatever_came_can_be_made_native() -> None:
    dice = Random(4)  # noqa: S311 - the same each time
    for _ in range(1000):
        native_body(msgspec.json.encode(spoiled(ANSWER, dice)))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"content": 5}', b"null", b"{}"])
def test_what_is_no_answer_is_a_value_error(body: bytes) -> None:
    for dialect in (MESSAGES, COUNT_TOKENS):
        with pytest.raises(ValueError, match=r"."):
            dialect.usage(body)
        with pytest.raises(ValueError, match=r"."):
            dialect.parse_response(body)
