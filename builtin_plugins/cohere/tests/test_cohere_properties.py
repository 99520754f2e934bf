"""What must hold for any conversation, any stream and any input, however odd."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

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
from jackfield.testing import check_dialect
from jackfield_cohere.endpoints import CHAT, COUNT_TOKENS, EMBEDDINGS, RERANK

V1 = {"version": "v1"}
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
META: Any = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
RANKS: Any = {"id": "r", "results": [{"index": 0, "relevance_score": 1, "x": 1}], "meta": META}


EMBED: Any = {"model": "m", "texts": ["a"], "input_type": "x", "output_dimension": 3}
INPUTS: Any = {"model": "m", "inputs": [{"content": [{"type": "text", "text": "a"}]}]}
RERANKED: Any = {"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1}
TEXT: Any = {"model": "m", "text": "x"}

test_laws_of_chats = check_dialect(CHAT, requests=[REQUEST], answers=[ANSWER], streams=[STREAM])
test_laws_of_embeddings = check_dialect(
    EMBEDDINGS, requests=[EMBED, INPUTS], answers=[VECTORS], params=V1
)
test_laws_of_reranking = check_dialect(RERANK, requests=[RERANKED], answers=[RANKS])
test_laws_of_counting_tokens = check_dialect(
    COUNT_TOKENS,
    requests=[TEXT],
    answers=[{"tokens": [1]}],
    skip={"requests-come-back": "what is counted is a text, without what stands around it"},
)
