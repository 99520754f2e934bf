"""What holds for every conversation, every cut of a stream, and whatever else may come."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import StreamEvent
from jackfield.framing import NDJSON
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
        said: Sequence[Part] = (*thought, Text(draw(texts)), *calls)
        messages.append(Message("assistant", tuple(said)))
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
    said = next(message for message in messages if message.role == "assistant")
    called = any(isinstance(part, ToolCall) for part in said.parts)
    choice = Choice(said, "tool_calls" if called else "stop")
    response = ChatResponse("", "m", (choice,), Usage(taken, given_), 1_800_000_000)
    again = CHAT.parse_response(CHAT.render_response(response, ChatRequest("m", ())).body)
    assert bare(again.choices[0].message) == said
    assert (again.choices[0].finish_reason, again.created) == (choice.finish_reason, 1_800_000_000)
    assert bare(again.usage) == Usage(taken, given_)


def streamed(lines: Sequence[bytes], cuts: Sequence[int]) -> list[StreamEvent]:
    wire, framer, parser = b"".join(lines), NDJSON.framer(), CHAT.stream_parser()
    edges = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    found: list[StreamEvent] = []
    for start, end in pairwise(edges):
        for event in NDJSON.split(framer.feed(wire[start:end])):
            found += parser.feed(event)
    return found


@given(conversations(), st.lists(st.integers(0, 10_000), max_size=30))
def test_no_cut_changes_a_stream(messages: tuple[Message, ...], cuts: list[int]) -> None:
    said = [
        {"role": "assistant", "content": p.text}
        for m in messages
        for p in m.parts[:1]
        if isinstance(p, Text)
    ]
    lines = [
        msgspec.json.encode({"model": "m", "message": message, "done": False}) + b"\n"
        for message in said
    ]
    lines.append(b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop"}\r\n')
    assert streamed(lines, cuts) == streamed(lines, ())


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
ANSWER = {
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
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, "", "x", "\ud800".encode("utf-8", "replace").decode()),
    *([], {}, [None], {"": None}, [[]], {"a": {"b": [1]}}, "json", "tool", [1, "a"]),
)


def mutated(value: Any, random_: random.Random) -> Any:
    """A copy with something odd in one or more places."""
    if random_.random() < 0.12:
        return random_.choice(ODD)
    if isinstance(value, dict):
        kept = {k: mutated(v, random_) for k, v in value.items() if random_.random() > 0.04}
        return kept | ({random_.choice((*value, "z")): random_.choice(ODD)} if not kept else {})
    if isinstance(value, list):
        return [mutated(item, random_) for item in value for _ in range(random_.choice((1, 1, 2)))]
    return value


@pytest.mark.parametrize("dialect", [CHAT, GENERATE, EMBEDDINGS], ids=lambda one: one.name)
def test_no_request_breaks_a_dialect(dialect: Dialect) -> None:
    others = [installed("openai.chat"), installed("openai.responses"), CHAT, GENERATE]
    source = random.Random(7)  # noqa: S311 - the same ones each time
    for _ in range(3000):
        tree = mutated(SAMPLES[dialect], source)
        try:
            dialect.peek(tree, {})
            request = dialect.parse_request(tree, {})
        except InvalidRequest:
            continue
        dialect.render_request(request)
        if dialect is not EMBEDDINGS:
            for other in others:
                other.render_request(request)


@pytest.mark.parametrize("dialect", [CHAT, GENERATE, EMBEDDINGS], ids=lambda one: one.name)
def test_no_answer_breaks_a_dialect(dialect: Dialect) -> None:
    source = random.Random(8)  # noqa: S311 - the same ones each time
    asked = dialect.parse_request(SAMPLES[dialect], {})
    for _ in range(3000):
        body = msgspec.json.encode(mutated(ANSWER, source))
        try:
            dialect.usage(body)
            response = dialect.parse_response(body)
        except ValueError:
            continue
        dialect.render_response(response, asked)
        dialect.parse_error(500, body)


@pytest.mark.parametrize("dialect", [CHAT, GENERATE], ids=lambda one: one.name)
def test_no_line_breaks_a_stream(dialect: Dialect) -> None:
    source = random.Random(9)  # noqa: S311 - the same ones each time
    for _ in range(1500):
        parser, renderer = dialect.stream_parser(), dialect.stream_renderer(ChatRequest("m", ()))
        for done in (False, False, True):
            line = msgspec.json.encode(mutated(ANSWER | {"done": done}, source))
            dialect.terminal(line)
            try:
                events = parser.feed(line + b"\n")
            except ProviderError:
                break
            for event in events:
                renderer.render(event)
