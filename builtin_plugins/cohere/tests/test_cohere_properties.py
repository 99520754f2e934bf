"""What must hold for any conversation, any stream and any input, however odd."""

import copy
import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.dialects import Dialect
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import StreamEvent
from jackfield.framing import SSE
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Image,
    Message,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from jackfield_cohere.endpoints import CHAT, COUNT_TOKENS, EMBEDDINGS, RERANK

ROUNDS = 1500
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
IMAGES = st.builds(lambda name: Image(url=f"https://example.com/{name}.png"), NAMES)
QUESTIONS = st.lists(st.builds(Text, WORDS) | IMAGES, min_size=1, max_size=3)


def turn(words: str, name: str, result: str) -> list[Message]:
    call = ToolCall(f"{name}_1", name, json.dumps({"a": words}))
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
    return ChatRequest(
        "m",
        tuple(messages),
        tools=tuple(draw(TOOLS)),
        tool_choice=draw(st.sampled_from([None, ToolChoice("none"), ToolChoice("required")])),
        temperature=draw(st.sampled_from([None, 0.0, 1.0])),
        top_k=draw(st.sampled_from([None, 5])),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        max_tokens=draw(st.none() | st.integers(1, 9999)),
        response_format=draw(
            st.sampled_from([None, ResponseFormat("json_schema", schema={"type": "object"})])
        ),
        reasoning=draw(st.sampled_from([None, ReasoningRequest(budget_tokens=10)])),
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


@given(TURNS)
def test_an_answer_is_the_same_after_a_rendering(turns: list[list[Message]]) -> None:
    for message, _ in turns:
        choice = Choice(message, "tool_calls", "TOOL_CALL")
        response = ChatResponse("i", "", (choice,), Usage(3, 2, 1))
        rendered = CHAT.render_response(response, ChatRequest("m", ()))
        again = CHAT.parse_response(rendered.body)
        assert rendered.losses == ()
        assert bare(again) == bare(response)


def delta(kind: str, index: int, **message: Any) -> bytes:
    value = {"type": kind, "index": index, "delta": {"message": message}}
    return f"event: {kind}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


STREAM = b"".join(
    [
        b'event: message-start\ndata: {"type":"message-start","id":"i"}\n\n',
        delta("tool-plan-delta", 0, tool_plan="Plän "),
        delta("content-start", 0, content={"type": "thinking", "thinking": ""}),
        delta("content-delta", 0, content={"thinking": "日本"}),
        delta("content-start", 1, content={"type": "text", "text": ""}),
        delta("content-delta", 1, content={"text": "🙂 yes"}),
        delta("citation-start", 0, citations={"start": 0, "end": 1, "sources": []}),
        delta("tool-call-start", 0, tool_calls={"id": "a", "function": {"name": "f"}}),
        delta("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}}),
        b'data: {"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}\n\n',
        b"data: [DONE]\n\n",
    ]
)


def events_of(pieces: list[bytes]) -> list[StreamEvent]:
    parser, framer = CHAT.stream_parser(), SSE.framer()
    wires = [wire for piece in pieces for wire in SSE.split(framer.feed(piece))]
    return [*(event for wire in wires for event in parser.feed(wire)), *parser.close()]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_no_chunking_changes_a_stream(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert events_of(pieces) == events_of([STREAM])


ODD: list[Any] = [None, True, -1, 1.5, 10**18, "", "x", [], {}, [None], {"type": "x"}, [[{}]]]


def mutated(rng: random.Random, tree: Any) -> Any:
    """The tree with one of its places changed to something odd."""
    tree = copy.deepcopy(tree)
    parent: Any = None
    place, key = tree, None
    while isinstance(place, dict | list) and place and (parent is None or rng.random() < 0.8):
        parent = place
        key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
        place = place[key]
    if parent is not None:
        parent[key] = rng.choice(ODD)
    return tree


REQUEST: Any = {
    "model": "m",
    "messages": [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}],
            "citations": [{"start": 0, "end": 1, "sources": [{"id": "a", "document": {"a": 1}}]}],
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
            "tool_plan": "p",
        },
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "document", "document": {"data": {"a": 1}}}],
        },
        {"role": "user", "content": "x"},
    ],
    "documents": ["x", {"id": "1", "data": {"text": "x"}}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}],
    "response_format": {"type": "json_object", "json_schema": {"a": 1}},
    "thinking": {"type": "enabled", "token_budget": 5},
    "stop_sequences": ["x"],
    "tool_choice": "NONE",
    "strict_tools": True,
}
ANSWER: Any = {
    "id": "i",
    "finish_reason": "COMPLETE",
    "message": REQUEST["messages"][1],
    "usage": {"tokens": {"input_tokens": 1}, "billed_units": {}, "cached_tokens": 1},
    "logprobs": [{"text": "x", "token_ids": [1], "logprobs": [-1]}],
}
VECTORS: Any = {"id": "e", "embeddings": {"float": [[1]], "base64": ["AAAAAA=="]}, "meta": {}}
RANKS: Any = {"results": [{"index": 0, "relevance_score": 1, "x": 1}], "meta": {}}


def ask(dialect: Dialect) -> Callable[[Any], None]:
    def read(tree: Any) -> None:
        dialect.peek(tree, {})
        dialect.render_request(dialect.parse_request(tree, {"version": "v1"}))

    return read


def answer(dialect: Dialect, question: Any) -> Callable[[Any], None]:
    def read(tree: Any) -> None:
        body = msgspec.json.encode(tree)
        response = dialect.parse_response(body)
        dialect.usage(body)
        dialect.render_response(response, dialect.parse_request(question, {}))
        assert dialect.parse_error(400, body).message

    return read


def stream(value: Any) -> None:
    wire = b"data: " + msgspec.json.encode(value) + b"\n\n"
    events = events_of([STREAM[: STREAM.rindex(b"data: {")], wire])
    renderer = CHAT.stream_renderer(ChatRequest("m", ()))
    b"".join(renderer.render(event) for event in events)
    CHAT.terminal(wire)
    CHAT.finishes(wire)


EMBED: Any = {"model": "m", "texts": ["a"], "input_type": "x", "output_dimension": 3}
INPUTS: Any = {"model": "m", "inputs": [{"content": [{"type": "text", "text": "a"}]}]}
RERANKED: Any = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}
EVENTS = [msgspec.json.decode(SSE.data_of(one) or b"") for one in SSE.split(STREAM)[:-1]]
CASES: list[tuple[str, Callable[[Any], None], list[Any]]] = [
    ("chat request", ask(CHAT), [REQUEST]),
    ("chat answer", answer(CHAT, REQUEST), [ANSWER]),
    ("chat stream", stream, EVENTS),
    ("embeddings request", ask(EMBEDDINGS), [EMBED, INPUTS]),
    ("embeddings answer", answer(EMBEDDINGS, EMBED), [VECTORS]),
    ("rerank request", ask(RERANK), [RERANKED]),
    ("rerank answer", answer(RERANK, RERANKED), [RANKS]),
    ("tokens request", ask(COUNT_TOKENS), [{"model": "m", "text": "x"}]),
    ("tokens answer", answer(COUNT_TOKENS, {"model": "m", "text": "x"}), [{"tokens": [1]}]),
]


@pytest.mark.parametrize(("name", "read", "samples"), CASES, ids=[case[0] for case in CASES])
def test_no_input_is_more_than_refused(
    name: str, read: Callable[[Any], None], samples: list[Any]
) -> None:
    rng = random.Random(name)  # noqa: S311 - the same mutations each time
    for _ in range(ROUNDS):
        tree = rng.choice(samples)
        for _ in range(rng.randint(1, 3)):
            tree = mutated(rng, tree)
        try:
            read(tree)
        except (InvalidRequest, ProviderError, ValueError):
            continue


def test_the_samples_of_the_fuzzing_are_read() -> None:
    for _, read, samples in CASES:
        for sample in samples:
            read(sample)
    assert isinstance(CHAT.parse_response(msgspec.json.encode(ANSWER)), ChatResponse)
