"""What must hold for any conversation, any stream and any input, however odd."""

import json
import re
import tracemalloc
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield import events, messages
from jackfield.dialects import installed
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from jackfield.testing import check_dialect
from jackfield_mistral.endpoints import CHAT, EMBEDDINGS
from jackfield_mistral.names import HOLDERS, exchanged, renamed_feature

OPENAI = installed("openai.chat")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
IMAGES = st.builds(lambda name: Image(url=f"https://example.com/{name}.png"), NAMES)
QUESTIONS = st.lists(st.builds(Text, WORDS) | IMAGES, min_size=1, max_size=3)


def turn(words: str, name: str, result: str) -> list[Message]:
    call = ToolCall(f"{name:x<9}", name, json.dumps({"a": words}))
    return [
        Message("assistant", (Text(words), call)),
        Message("tool", (ToolResult(call.id, (Text(result),)),)),
    ]


TURNS = st.lists(st.builds(turn, WORDS, NAMES, WORDS), max_size=2)
TOOLS = st.lists(
    st.builds(Tool, NAMES, WORDS, st.just({"type": "object", "properties": {}})), max_size=2
)


@st.composite
def conversations(draw: st.DrawFn) -> ChatRequest:
    messages = [Message("system", (Text(draw(WORDS)),)), Message("user", tuple(draw(QUESTIONS)))]
    messages += [message for pair in draw(TURNS) for message in pair]
    schema = ResponseFormat("json_schema", name="n", schema={"type": "object"})
    return ChatRequest(
        "m",
        tuple(messages),
        tools=tuple(draw(TOOLS)),
        tool_choice=draw(st.sampled_from([None, ToolChoice("none"), ToolChoice("required")])),
        temperature=draw(st.sampled_from([None, 0.0, 1.0])),
        top_k=draw(st.sampled_from([None, 5])),
        seed=draw(st.sampled_from([None, 5])),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        max_tokens=draw(st.none() | st.integers(1, 9999)),
        response_format=draw(st.sampled_from([None, schema])),
        stream=draw(st.booleans()),
        include_usage=True,
    )


def bare(value: Any) -> Any:
    """A canonical value without what only one dialect knows."""
    if isinstance(value, tuple):
        return [bare(one) for one in value]
    if not isinstance(value, msgspec.Struct):
        return value
    names = [name for name in value.__struct_fields__ if name != "extensions"]
    return [type(value).__name__, {name: bare(getattr(value, name)) for name in names}]


@given(conversations())
def test_a_conversation_is_the_same_after_a_rendering(request: ChatRequest) -> None:
    rendered = CHAT.render_request(request)
    again = CHAT.parse_request(msgspec.json.decode(rendered.body), {})
    assert rendered.losses == ()
    assert bare(again) == bare(request)


@given(TURNS, st.none() | WORDS)
def test_an_answer_is_the_same_after_a_rendering(
    turns: list[list[Message]], thought: str | None
) -> None:
    for message, _ in turns:
        thoughts = () if thought is None else (Reasoning(thought),)
        complete = msgspec.structs.replace(message, parts=(*thoughts, *message.parts))
        choice = Choice(complete, "tool_calls")
        response = ChatResponse("i", "m", (choice,), Usage(3, 2, 1), 5)
        rendered = CHAT.render_response(response, ChatRequest("m", ()))
        assert rendered.losses == ()
        assert bare(CHAT.parse_response(rendered.body)) == bare(response)


@given(conversations())
def test_names_that_are_exchanged_twice_are_as_they_were(request: ChatRequest) -> None:
    known = OPENAI.parse_request(msgspec.json.decode(OPENAI.render_request(request).body), {})
    assert exchanged(exchanged(known)) == known
    assert "openai.chat" not in exchanged(known).extensions


def test_no_field_that_holds_names_is_overlooked() -> None:
    kinds = [
        kind
        for module in (messages, events)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    ]
    named = {kind.__name__ for kind in kinds if "extensions" in kind.__struct_fields__}
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            words = set(re.findall(r"\w+", str(field.type)))
            assert field.name in HOLDERS or not words & {*named, "Opaque"}, (kind, field.name)


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    kind = "chat.completion.chunk"
    value = {"id": "1", "object": kind, "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "日本"}], "signature": "s"}
CALL = {"id": "abcDEF123", "index": 0, "function": {"name": "f", "arguments": "{}"}}
STREAM = b"".join(
    [
        chunk(role="assistant", content=""),
        chunk(content=[THOUGHT]),
        chunk(content=[{"type": "text", "text": "🙂 yes"}]),
        chunk(content=" and no"),
        chunk(tool_calls=[CALL], finish="tool_calls"),
        b"data: [DONE]\n\n",
    ]
)


REQUEST: Any = {
    "model": "m",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
                {"type": "document_url", "document_url": "https://example.com"},
                {"type": "input_audio", "input_audio": "AA=="},
                {"type": "input_audio", "input_audio": "https://example.com"},
                {"type": "file", "file_id": "f"},
            ],
        },
        {"role": "assistant", "content": [THOUGHT], "tool_calls": [CALL], "prefix": False},
        {"role": "tool", "tool_call_id": "abcDEF123", "name": "f", "content": "x"},
        {"role": "assistant", "content": "x", "prefix": True},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}},
    "tool_choice": "any",
    "random_seed": 1,
    "prediction": {"type": "content", "content": "x"},
    "stop": ["x"],
}
ANSWER: Any = {
    "id": "i",
    "model": "m",
    "created": 1,
    "choices": [{"index": 0, "finish_reason": "stop", "message": REQUEST["messages"][1]}],
    "usage": {"prompt_tokens": 1, "num_cached_tokens": 1},
}
EMBED: Any = {"model": "m", "input": ["a"], "output_dimension": 3, "output_dtype": "float"}
VECTORS: Any = {"id": "e", "model": "m", "data": [{"index": 0, "embedding": [1]}], "usage": {}}

test_laws_of_chats = check_dialect(CHAT, requests=[REQUEST], answers=[ANSWER], streams=[STREAM])
test_laws_of_embeddings = check_dialect(EMBEDDINGS, requests=[EMBED], answers=[VECTORS])


def test_names_that_callers_make_up_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(50):
            renamed_feature(f"openai.chat.{number}{'x' * 100_000}.member")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000
