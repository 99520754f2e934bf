"""Damaged requests, answers and events: refused by name, and never a crash."""

from base64 import urlsafe_b64encode
from random import Random
from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.errors import ProviderError
from jackfield.messages import Reasoning
from jackfield.proofs import MARK, seal
from jackfield.testing import check_dialect
from jackfield.testing.spoiled import spoiled
from jackfield_openai.endpoints import (
    CHAT,
    COMPLETIONS,
    COUNT_TOKENS,
    EMBEDDINGS,
    RERANK,
    RESOURCE,
    RESPONSES,
)
from jackfield_openai.realtime import REALTIME

ROUNDS = 3000
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PROOF = seal(Reasoning(signature="s", extensions={"openai.chat": {"$place": [0, 2, 1]}}))
SIGNED = {"extra_content": {"google": {"thought_signature": "s"}}}
DETAIL = {"type": "reasoning.text", "text": "Hm.", "signature": PROOF, "index": 0}
NOTE = {
    "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2},
    "type": "url_citation",
}
MESSAGE = {
    "role": "assistant",
    "content": "Hi",
    "reasoning_details": [DETAIL, {"type": "reasoning.encrypted", "data": "x"}],
    "tool_calls": [{**CALL, **SIGNED}],
    "annotations": [NOTE],
    "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
}
PLAIN_MESSAGE = MESSAGE | {
    "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}]
}
ITEMS = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "gAAAA",
    },
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {
        "type": "function_call_output",
        "call_id": "c",
        "output": [{"type": "input_text", "text": ""}],
    },
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://e.org"}]},
]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
FUNCTION = {"name": "f", "parameters": {"type": "object"}, "strict": True}
QUESTION = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "Hé?"}]},
        PLAIN_MESSAGE,
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "stream_options": {"include_usage": True},
    "max_completion_tokens": 5,
    "reasoning_effort": "low",
    "stop": ["x"],
    "seed": 1,
    "logprobs": True,
    "stream": True,
}
ANSWER: Any = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": PLAIN_MESSAGE, "finish_reason": "tool_calls", "logprobs": None}
    ],
    "usage": USAGE,
}


def chunk(delta: Any, finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}] if delta is not None else []
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return sse.encode(msgspec.json.encode({**head, "choices": choices, **more}))


STREAM = b"".join(
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "Hm. "}),
        chunk({"content": "日本"}),
        chunk({"content": "🙂 yes"}),
        chunk({"tool_calls": [{**CALL, "index": 0}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}),
        chunk({}, "tool_calls"),
        chunk(None, usage=USAGE),
        b"data: [DONE]\n\n",
    ]
)
RESPONSE: dict[str, Any] = {
    "id": "x",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [
        *ITEMS[:2],
        {
            "type": "message",
            "id": "g",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hé", "annotations": []}],
        },
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
}
REQUEST = {"model": "m", "input": ITEMS, "text": {"format": {"type": "text"}}, "stream": True}
OUTPUT: list[dict[str, Any]] = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "id": "g", "role": "assistant", "content": []},
    },
    {
        "type": "response.content_part.added",
        "output_index": 0,
        "content_index": 0,
        "item_id": "g",
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "item_id": "g",
        "delta": "Hé",
    },
    {"type": "response.output_item.done", "output_index": 0, "item": RESPONSE["output"][2]},
    {"type": "response.completed", "response": {**RESPONSE, "output": RESPONSE["output"][2:]}},
]
TEXT_REQUEST = {"model": "m", "prompt": "a", "logprobs": 1, "stop": ["x"], "stream": True}
TEXT: Any = {
    "id": "x",
    "object": "text_completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop", "logprobs": None}],
    "usage": USAGE,
}
EMBEDDED = {"model": "m", "input": ["a", "b"], "dimensions": 2, "encoding_format": "float"}
VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": at, "embedding": [0.5, 1.0]} for at in (0, 1)],
    "model": "m",
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}
RANKED = {"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1}
RANKS = {
    "id": "r",
    "model": "m",
    "results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}],
    "usage": {"total_tokens": 2},
}
RESPONSES_STREAM = b"".join(sse.encode(msgspec.json.encode(one), one["type"]) for one in OUTPUT)

test_laws_of_chats = check_dialect(CHAT, requests=[QUESTION], answers=[ANSWER], streams=[STREAM])
test_laws_of_responses = check_dialect(
    RESPONSES, requests=[REQUEST], answers=[RESPONSE], streams=[RESPONSES_STREAM]
)
test_laws_of_completions = check_dialect(COMPLETIONS, requests=[TEXT_REQUEST], answers=[TEXT])
test_laws_of_embeddings = check_dialect(EMBEDDINGS, requests=[EMBEDDED], answers=[VECTORS])
test_laws_of_reranking = check_dialect(RERANK, requests=[RANKED], answers=[RANKS])
test_laws_of_counting_tokens = check_dialect(
    COUNT_TOKENS, requests=[{"model": "m", "input": ITEMS}], answers=[{"input_tokens": 5}]
)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=lambda dialect: dialect.name)
def test_a_forged_proof_is_refused_or_understood(dialect: Dialect) -> None:
    notes = {"$keys": ["reasoning"], "$item": {"id": "x"}, "reasoning_details": [DETAIL]}
    thought = {"openai.chat": {**notes, "$place": [0, 1, 2]}, "openai.responses": notes}
    dice = Random(4)  # noqa: S311 - the same damage each time
    for _ in range(ROUNDS):
        forged = msgspec.json.encode({"signature": "s", "extensions": spoiled(thought, dice)})
        proof = MARK + urlsafe_b64encode(forged).decode()
        item = {"type": "reasoning", "summary": [], "encrypted_content": proof}
        signed_message = {**MESSAGE, "reasoning_details": [{**DETAIL, "signature": proof}]}
        for source, tree in (
            (CHAT, {"model": "m", "messages": [signed_message]}),
            (RESPONSES, {"model": "m", "input": [item]}),
        ):
            dialect.render_request(source.parse_request(tree, {}))


# Python 3.14 limits nesting by the size of the stack alone.
DEEP = b'{"type":"response.done","choices":[],"usage":%b,"error":%b}' % (
    (b"[" * 1_000_000 + b"]" * 1_000_000,) * 2
)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, RESOURCE], ids=lambda dialect: dialect.name)
def test_an_event_that_is_nested_without_end_has_no_content(dialect: Dialect) -> None:
    event = sse.encode(DEEP)
    meter = dialect.usage_meter()
    meter.feed(event)
    assert (dialect.terminal(event), meter.usage()) == (None, None)
    assert dialect.parse_error(500, DEEP).message == "The provider answered 500 without a message."


def test_a_message_of_a_session_that_is_nested_without_end_has_no_content() -> None:
    meter = REALTIME.usage_meter()
    meter.feed(DEEP)
    assert meter.usage() is None


@pytest.mark.parametrize("dialect", [CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES])
def test_an_answer_that_is_nested_without_end_is_none(dialect: Dialect) -> None:
    for read in (dialect.usage, dialect.parse_response):
        with pytest.raises(ValueError, match="JSON"):
            read(DEEP)


@pytest.mark.parametrize("dialect", [CHAT, COMPLETIONS, RESPONSES])
def test_an_event_that_is_nested_without_end_breaks_a_translation_off(dialect: Dialect) -> None:
    with pytest.raises(ProviderError):
        dialect.stream_parser().feed(sse.encode(DEEP))
