"""Laws of the dialects that hold for any conversation, any cut and any nonsense."""

import json
import random
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import exchanges

from jackfield.dialects import Dialect
from jackfield.errors import InvalidRequest, ProviderError
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
    Document,
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
from jackfield_bedrock.converse_names import OWN
from jackfield_bedrock.endpoints import CONVERSE, COUNT_TOKENS, DIALECTS, RERANK
from jackfield_bedrock.event_stream import decode as read_message
from jackfield_bedrock.event_stream import encode
from jackfield_bedrock.invoke import COMMAND, NOVA, TITAN

MODEL = {"model": "amazon.nova-lite-v1:0"}
WORDS = st.text(min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
PIXELS = st.builds(
    Image, data=st.just("AAAA"), media_type=st.sampled_from(["image/png", "image/gif"])
)
FILES = st.builds(
    Document,
    data=st.just("AAAA"),
    name=st.from_regex(r"[a-z]{1,9}", fullmatch=True),
    media_type=st.sampled_from(["application/pdf", "text/csv"]),
)
TEXTS = st.builds(Text, WORDS.filter(str.strip))
CALLS = st.builds(
    ToolCall,
    id=NAMES,
    name=NAMES,
    arguments=OBJECTS.map(lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":"))),
)
THOUGHTS = st.builds(Reasoning, text=WORDS, signature=WORDS, extensions=st.just(OWN))
RESULTS = st.builds(
    ToolResult,
    NAMES,
    st.lists(TEXTS | PIXELS, min_size=1, max_size=2).map(tuple),
    is_error=st.booleans(),
)


def said(role: Any, parts: Any) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.just(role), st.lists(parts, min_size=1, max_size=3).map(tuple))


TURNS = st.tuples(
    said("system", TEXTS),
    said("user", TEXTS | PIXELS),
    said("assistant", TEXTS | CALLS | THOUGHTS),
    said("tool", RESULTS),
    said("user", TEXTS),
    said("assistant", TEXTS | CALLS),
)
REQUESTS = st.builds(
    ChatRequest,
    model=st.just("us.anthropic.claude-3-7-sonnet-20250219-v1:0"),
    messages=TURNS,
    tools=st.lists(
        st.builds(Tool, NAMES, st.none() | WORDS, OBJECTS, st.sampled_from([None, True])),
        max_size=2,
    ).map(tuple),
    tool_choice=st.none(),
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 1),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 99),
    stop=st.lists(WORDS, max_size=2).map(tuple),
    response_format=st.none()
    | st.builds(ResponseFormat, st.just("json_schema"), name=WORDS, schema=OBJECTS),
    service_tier=st.sampled_from([None, "default", "flex"]),
    include_usage=st.just(True),
)


def bare(value: Any) -> Any:
    """The canonical value without what a dialect keeps for itself."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return value
    found = {name: bare(getattr(value, name)) for name in value.__struct_fields__}
    return type(value)(**(found | ({"extensions": {}} if "extensions" in found else {})))


@given(REQUESTS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_reading_what_was_written_gives_the_same_conversation(
    request: ChatRequest, forced: bool
) -> None:
    if request.tools and forced:
        request = msgspec.structs.replace(request, tool_choice=ToolChoice("required"))
    rendered = CONVERSE.render_request(request)
    assert rendered.losses == ()
    again = CONVERSE.parse_request(json.loads(rendered.body), {"model": request.model})
    assert bare(again) == bare(request)
    assert CONVERSE.render_request(again).losses == ()


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """The events of an answer, its parts one behind the other."""
    events: list[StreamEvent] = [Started("", "")]
    for part in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["text", "thought", "call"]))
        pieces = draw(st.lists(WORDS, min_size=1, max_size=3))
        if kind == "text":
            events += [TextDelta(part, piece) for piece in pieces]
        elif kind == "thought":
            events += [ReasoningDelta(part, piece, extensions=OWN) for piece in pieces]
            events.append(ReasoningDelta(part, signature="sig", extensions=OWN))
        else:
            events.append(ToolCallStarted(part, draw(NAMES), draw(NAMES)))
            events += [ToolCallDelta(part, piece) for piece in pieces]
    usage = UsageReported(Usage(5, 2, 1, 1))
    called = any(isinstance(event, ToolCallStarted) for event in events)
    return [*events, Finished("tool_calls" if called else "stop"), usage, Ended()]


@given(streams(), st.integers(1, 40), st.sampled_from([CONVERSE, NOVA]))
@settings(max_examples=100, deadline=None)
def test_no_cut_changes_what_a_stream_says(
    events: list[StreamEvent], size: int, dialect: Dialect
) -> None:
    renderer = dialect.stream_renderer(ChatRequest("m", ()))
    wire = b"".join(map(renderer.render, events))
    parser, framer = dialect.stream_parser(), dialect.framing.framer()
    found: list[StreamEvent] = []
    for at in range(0, len(wire), size):
        for event in dialect.framing.split(framer.feed(wire[at : at + size])):
            found += parser.feed(event)
    assert [plain(event) for event in found] == [plain(event) for event in events]


def plain(event: Any) -> Any:
    event = bare(event)
    return msgspec.structs.replace(event, detail=None) if isinstance(event, Finished) else event


NONSENSE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "a" * 200,
    [],
    {},
    [[]],
    {"text": None},
    {"type": 1},
)


def spoiled(tree: Any, dice: random.Random) -> Any:
    """The JSON with something replaced, left out or put elsewhere."""
    if not isinstance(tree, dict | list) or not tree or dice.random() < 0.15:
        return dice.choice(NONSENSE)
    if isinstance(tree, list):
        place = dice.randrange(len(tree))
        return [*tree[:place], spoiled(tree[place], dice), *tree[place + 1 :]]
    key = dice.choice(list(tree))
    changed = dict(tree)
    if dice.random() < 0.2:
        changed[dice.choice(("text", "toolUse", "odd"))] = changed.pop(key)
    else:
        changed[key] = spoiled(tree[key], dice)
    return changed


def samples() -> Iterator[tuple[Dialect, Any, Any]]:
    """A dialect, a request and an answer of it; recorded ones where there are any."""
    block = {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
    content = [{"text": "x"}, block, {"reasoningContent": {"reasoningText": {"text": "t"}}}]
    message = {"role": "assistant", "content": content}
    answer = {"output": {"message": message}, "stopReason": "end_turn", "usage": {"inputTokens": 1}}
    yield CONVERSE, {"messages": [message], "inferenceConfig": {"topP": 1}}, answer
    yield COUNT_TOKENS, {"input": {"converse": {"messages": [message]}}}, {"inputTokens": 1}
    source = {"type": "INLINE", "inlineDocumentSource": {"textDocument": {"text": "x"}}}
    model = {"modelConfiguration": {"modelArn": "m"}}
    config = {"bedrockRerankingConfiguration": model}
    ranked = {"results": [{"index": 0, "relevanceScore": 1, "document": {}}]}
    query = {"textQuery": {"text": "q"}}
    yield (
        RERANK,
        {"queries": [query], "sources": [source], "rerankingConfiguration": config},
        ranked,
    )
    for exchange in exchanges(provider="bedrock"):
        small = len(json.dumps(exchange.request["body"])) < 5000
        if exchange.status == 200 and small and isinstance(exchange.request["body"], dict):
            for dialect in DIALECTS:
                if dialect.translates:
                    yield dialect, exchange.request["body"], exchange.response["body"]


def swallow(dialect: Dialect, request: Any, answer: Any) -> None:
    """Read and write both as far as they have a meaning."""
    with suppress(InvalidRequest):
        dialect.peek(request, MODEL)
        canonical = dialect.parse_request(request, MODEL)
        dialect.render_request(canonical)
        with suppress(ValueError):
            dialect.render_response(dialect.parse_response(json.dumps(answer).encode()), canonical)
    with suppress(ValueError):
        dialect.usage(json.dumps(answer).encode())
    dialect.parse_error(400, json.dumps(answer).encode())


@pytest.mark.parametrize("seed", range(4))
def test_no_request_and_no_answer_makes_a_dialect_stumble(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    for dialect, request, answer in samples():
        swallow(dialect, spoiled(request, dice), spoiled(answer, dice))


def recorded_streams() -> Iterator[bytes]:
    renderer = CONVERSE.stream_renderer(ChatRequest("m", ()))
    yield b"".join(
        renderer.render(event)
        for event in (
            Started("", ""),
            TextDelta(0, "a"),
            ToolCallStarted(1, "c", "f"),
            ToolCallDelta(1, "{}"),
            Finished("stop"),
            Ended(),
        )
    )
    for exchange in exchanges(provider="bedrock"):
        body = exchange.response["body"]
        if exchange.status == 200 and isinstance(body, dict) and "base64" in body:
            yield b64decode(body["base64"])


@pytest.mark.parametrize("seed", range(4))
def test_no_event_makes_a_parser_stumble(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    for wire in recorded_streams():
        for dialect in (CONVERSE, NOVA, TITAN, COMMAND):
            parser = dialect.stream_parser()
            renderer = CONVERSE.stream_renderer(ChatRequest("m", ()))
            for event in dialect.framing.split(wire):
                message = read_message(event)
                data = spoiled(json.loads(message.payload), dice)
                changed = encode(message.headers, json.dumps(data).encode())
                with suppress(ProviderError):
                    for found in parser.feed(changed):
                        renderer.render(found)
                dialect.terminal(changed)
                dialect.finishes(changed)
                dialect.framing.data_of(changed)
