"""Laws of the dialects that hold for any conversation, any cut and any nonsense."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from random import Random
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
from jackfield.testing import check_dialect
from jackfield.testing.spoiled import spoiled
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


def messages_of(role: Any, parts: Any) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.just(role), st.lists(parts, min_size=1, max_size=3).map(tuple))


TURNS = st.tuples(
    messages_of("system", TEXTS),
    messages_of("user", TEXTS | PIXELS),
    messages_of("assistant", TEXTS | CALLS | THOUGHTS),
    messages_of("tool", RESULTS),
    messages_of("user", TEXTS),
    messages_of("assistant", TEXTS | CALLS),
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
def test_no_cut_changes_the_events_of_a_stream(
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


BLOCKS: list[Any] = [
    {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
    {"text": "x"},
    {"toolUse": {"toolUseId": "a", "name": "f", "input": {"a": 1}}},
]
MESSAGE: Any = {"role": "assistant", "content": BLOCKS}
RESULT: Any = {"toolResult": {"toolUseId": "a", "content": [{"text": "r"}], "status": "error"}}
REQUEST: Any = {
    "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"text": "Hé?"}]},
        MESSAGE,
        {"role": "user", "content": [RESULT]},
    ],
    "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 1, "stopSequences": ["x"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"tool": {"name": "f"}},
    },
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
}
COUNTS = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5, "cacheReadInputTokens": 1}
ANSWER: Any = {
    "output": {"message": MESSAGE},
    "stopReason": "tool_use",
    "usage": COUNTS,
    "metrics": {"latencyMs": 1},
}
EVENTS: list[StreamEvent] = [
    Started("", ""),
    ReasoningDelta(0, "t", extensions=OWN),
    ReasoningDelta(0, signature="s", extensions=OWN),
    TextDelta(1, "日本 "),
    TextDelta(1, "🙂"),
    ToolCallStarted(2, "a", "f"),
    ToolCallDelta(2, '{"a":1}'),
    Finished("tool_calls"),
    UsageReported(Usage(5, 2, 1, 1)),
    Ended(),
]
STREAM = b"".join(map(CONVERSE.stream_renderer(ChatRequest("m", ())).render, EVENTS))
SOURCE = {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "x"}}}
RANKED: Any = {
    "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
    "sources": [SOURCE],
    "rerankingConfiguration": {
        "type": "BEDROCK_RERANKING_MODEL",
        "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": "m"}},
    },
}
RANKS: Any = {"results": [{"index": 0, "relevanceScore": 1}]}
COUNTED: Any = {"input": {"converse": {"messages": REQUEST["messages"]}}}

test_laws_of_converse = check_dialect(
    CONVERSE, requests=[REQUEST], answers=[ANSWER], streams=[STREAM], params=MODEL
)
test_laws_of_counting_tokens = check_dialect(
    COUNT_TOKENS, requests=[COUNTED], answers=[{"inputTokens": 1}], params=MODEL
)
test_laws_of_reranking = check_dialect(RERANK, requests=[RANKED], answers=[RANKS], params=MODEL)


def recorded() -> Iterator[tuple[Dialect, Any, Any]]:
    """Requests and answers of all models, each shown to every dialect."""
    for exchange in exchanges(provider="bedrock"):
        small = len(json.dumps(exchange.request["body"])) < 5000
        if exchange.status == 200 and small and isinstance(exchange.request["body"], dict):
            for dialect in DIALECTS:
                if dialect.translates:
                    yield dialect, exchange.request["body"], exchange.response["body"]


@pytest.mark.parametrize("seed", range(4))
def test_no_dialect_crashes_on_a_spoiled_body(seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - the same each time
    for dialect, request, answer in recorded():
        body = json.dumps(spoiled(answer, dice)).encode()
        with suppress(InvalidRequest):
            parsed = dialect.parse_request(spoiled(request, dice), MODEL)
            dialect.render_request(parsed)
            with suppress(ValueError):
                dialect.render_response(dialect.parse_response(body), parsed)
        with suppress(ValueError):
            dialect.usage(body)
        dialect.parse_error(400, body)


@pytest.mark.parametrize("seed", range(4))
def test_no_event_of_one_model_makes_a_parser_of_another_stumble(seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - the same each time
    for exchange in exchanges(provider="bedrock"):
        body = exchange.response["body"]
        if exchange.status == 200 and isinstance(body, dict) and "base64" in body:
            for dialect in (CONVERSE, NOVA, TITAN, COMMAND):
                parse_spoiled(b64decode(body["base64"]), dialect, dice)


def parse_spoiled(wire: bytes, dialect: Dialect, dice: Random) -> None:
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
