"""Laws of the dialect for any conversation, any chunking and any nonsense."""

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.messages import (
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_gemini.endpoints import GENERATE
from jackfield_gemini.fields import NAME
from jackfield_gemini.json_array import JSON_ARRAY, ArrayWriter

PARAMS = {"model": "m"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
WORDS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
MEDIA: st.SearchStrategy[Part] = st.sampled_from(
    [
        Image(data="aGk=", media_type="image/png"),
        Image(url="https://example.org/a.jpg", media_type="image/jpeg"),
        Document(data="aGk=", media_type="application/pdf"),
        Document(file_id="gs://bucket/film", media_type="video/mp4"),
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages = [Message("system", (Text("Be brief."),))] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        texts: list[Part] = [Text(text) for text in draw(st.lists(TEXTS, min_size=1, max_size=2))]
        messages.append(Message("user", (*texts, *draw(st.lists(MEDIA, max_size=2)))))
        calls = [
            ToolCall(f"c{turn}_{i}", draw(WORDS), msgspec.json.encode(draw(OBJECTS)).decode())
            for i in range(draw(st.integers(0, 2)))
        ]
        thought = Reasoning(draw(TEXTS), signature="c2ln", extensions={NAME: {"$of": "self"}})
        messages.append(Message("assistant", (thought, Text(draw(TEXTS)), *calls)))
        if calls:
            answers = [ToolResult(c.id, (Text(draw(TEXTS)),), c.name) for c in calls]
            messages.append(Message("tool", tuple(answers)))
    return tuple(messages)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    return ChatRequest(
        "m",
        draw(conversations()),
        tools=tuple(Tool(f"t{i}", "does it", schema) for i in range(draw(st.integers(0, 2)))),
        tool_choice=draw(st.none() | st.just(ToolChoice("required", ("t0",)))),
        max_tokens=draw(st.none() | st.integers(1, 9)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_k=draw(st.none() | st.integers(1, 40)),
        stop=draw(st.sampled_from([(), ("END",)])),
        seed=draw(st.none() | st.integers(0, 9)),
        modalities=draw(st.sampled_from([(), ("text", "image")])),
        response_format=draw(st.none() | st.just(ResponseFormat("json_schema", schema=schema))),
        include_usage=True,
    )


def bare(value: Any) -> Any:
    """Without our notes, but for those that say whose thought it is."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if isinstance(value, ChatRequest):
        return replace(value, messages=bare(value.messages), extensions={}, tools=bare(value.tools))
    if isinstance(value, Message | ToolResult):
        return replace(value, parts=bare(value.parts), extensions={})
    if isinstance(value, Reasoning):
        return replace(value, summary=False)
    return replace(value, extensions={}) if hasattr(value, "extensions") else value


@given(requests())
@settings(max_examples=150)
def test_a_request_that_the_dialect_can_carry_comes_back_the_same(request: ChatRequest) -> None:
    rendered = GENERATE.render_request(request)
    assert rendered.losses == ()
    again = GENERATE.parse_request(msgspec.json.decode(rendered.body), PARAMS)
    assert bare(again) == bare(request)
    assert GENERATE.render_request(again).body == rendered.body


@given(st.lists(OBJECTS, max_size=5), st.data())
@settings(max_examples=150)
def test_no_chunking_changes_an_array(items: list[dict[str, Any]], data: st.DataObject) -> None:
    writer = ArrayWriter()
    wire = b"".join(writer.event(msgspec.json.encode(item)) for item in items) + writer.end()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=9)))
    framer = JSON_ARRAY.framer()
    edges = [0, *cuts, len(wire)]
    batches = [framer.feed(wire[a:b]) for a, b in pairwise(edges)]
    assert b"".join(batches) == wire
    events = [event for batch in batches if batch for event in JSON_ARRAY.split(batch)]
    found = [JSON_ARRAY.data_of(event) for event in events]
    assert [msgspec.json.decode(one) for one in found if one] == items
