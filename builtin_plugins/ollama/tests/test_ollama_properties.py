"""What holds for every conversation, every cut of a stream, and whatever else may come."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield.dialects import Dialect, installed
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
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
from jackfield_ollama.endpoints import CHAT, EMBEDDINGS, GENERATE

NAMES = ("f", "g", "h")
texts = st.text(min_size=1, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=3)
arguments = objects.map(lambda value: msgspec.json.encode(value).decode())
images = st.just(Image(data="iVBORw0KGgoAAAA=", media_type="image/png"))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages = []
    for turn in range(draw(st.integers(1, 3))):
        shown = draw(st.lists(images, max_size=2))
        messages.append(Message("user", (Text(draw(texts)), *shown)))
        names = draw(st.lists(st.sampled_from(NAMES), max_size=3))
        calls = [ToolCall(f"c{turn}_{i}", n, draw(arguments)) for i, n in enumerate(names)]
        thought = [Reasoning(text) for text in draw(st.lists(texts, max_size=1))]
        parts: Sequence[Part] = (*thought, Text(draw(texts)), *calls)
        messages.append(Message("assistant", tuple(parts)))
        for call in calls:
            result = ToolResult(call.id, (Text(draw(texts)),), call.name)
            messages.append(Message("tool", (result,)))
    return tuple(messages)


def bare(value: Any) -> Any:
    """The value without extensions, which are notes on the form that it came in."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return value
    found = {name: bare(getattr(value, name)) for name in value.__struct_fields__}
    return type(value)(**(found | ({"extensions": {}} if "extensions" in found else {})))


@given(conversations(), st.booleans())
def test_a_conversation_is_the_same_when_read_again(
    messages: tuple[Message, ...], stream: bool
) -> None:
    request = ChatRequest("m", messages, (Tool("f", "d", {"type": "object"}),), stream=stream)
    rendered = CHAT.render_request(request)
    again = CHAT.parse_request(msgspec.json.decode(rendered.body), {})
    assert rendered.losses == ()
    assert bare(again.messages) == messages
    assert (bare(again.tools), again.stream) == (request.tools, stream)
    twice = msgspec.json.decode(CHAT.render_request(again).body)
    assert twice == msgspec.json.decode(rendered.body)


@given(conversations(), st.integers(0, 99), st.integers(0, 99))
def test_an_answer_is_the_same_when_read_again(
    messages: tuple[Message, ...], taken: int, given_: int
) -> None:
    parts = next(message for message in messages if message.role == "assistant")
    called = any(isinstance(part, ToolCall) for part in parts.parts)
    choice = Choice(parts, "tool_calls" if called else "stop")
    response = ChatResponse("", "m", (choice,), Usage(taken, given_), 1_800_000_000)
    again = CHAT.parse_response(CHAT.render_response(response, ChatRequest("m", ())).body)
    assert bare(again.choices[0].message) == parts
    assert (again.choices[0].finish_reason, again.created) == (choice.finish_reason, 1_800_000_000)
    assert bare(again.usage) == Usage(taken, given_)


SAMPLES: dict[Dialect, Any] = {
    CHAT: {
        "model": "m",
        "stream": False,
        "think": True,
        "format": {"type": "object"},
        "keep_alive": "5m",
        "options": {"stop": ["a"], "seed": 1, "temperature": 0.5, "num_predict": 5},
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        ],
        "messages": [
            {"role": "user", "content": "Hi", "images": ["iVBORw0KGgo="]},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
            {"role": "tool", "content": "1", "tool_name": "f"},
        ],
    },
    GENERATE: {"model": "m", "prompt": "Hi", "system": "s", "context": [1], "images": ["aGk="]},
    EMBEDDINGS: {"model": "m", "input": ["a", "b"], "dimensions": 3, "options": {}},
}
ANSWER: dict[str, Any] = {
    "model": "m",
    "created_at": "2026-08-07T06:08:11Z",
    "message": {
        "role": "assistant",
        "content": "Hi",
        "thinking": "Hm",
        "images": ["aGk="],
        "tool_calls": [{"id": "x", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}],
    },
    "response": "Hi",
    "embeddings": [[0.5]],
    "logprobs": [{"token": "H", "logprob": -1.0, "top_logprobs": [{"token": "h", "logprob": -2}]}],
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 3,
    "eval_count": 2,
}


def line(**members: Any) -> bytes:
    return (
        msgspec.json.encode({"model": "m", "created_at": ANSWER["created_at"], **members}) + b"\n"
    )


COUNTS = {"total_duration": 9, "prompt_eval_count": 3, "eval_count": 2}
END = {"done": True, "done_reason": "stop", **COUNTS}
CHATTED = b"".join(
    [
        line(message={"role": "assistant", "content": "", "thinking": "Hm"}, done=False),
        line(message={"role": "assistant", "content": "Grüße 🙂"}, done=False),
        line(message=ANSWER["message"] | {"thinking": ""}, done=False),
        line(message={"role": "assistant", "content": ""}, **END),
    ]
)
GENERATED = b"".join([line(response="Hi", done=False), line(response="", context=[1], **END)])
TIMES = {"streams-come-back": "each line says when it was written"}
VECTORS = {"model": "m", "embeddings": [[0.5]], "prompt_eval_count": 3, "load_duration": 1}

test_laws_of_chats = check_dialect(
    CHAT, requests=[SAMPLES[CHAT]], answers=[ANSWER], streams=[CHATTED], skip=TIMES
)
test_laws_of_completions = check_dialect(
    GENERATE, requests=[SAMPLES[GENERATE]], answers=[ANSWER], streams=[GENERATED], skip=TIMES
)
test_laws_of_embeddings = check_dialect(
    EMBEDDINGS, requests=[SAMPLES[EMBEDDINGS]], answers=[VECTORS]
)


@given(conversations())
def test_other_dialects_can_express_these_messages(messages: tuple[Message, ...]) -> None:
    for other in map(installed, ("openai.chat", "openai.responses")):
        assert other.render_request(ChatRequest("m", messages)).body
