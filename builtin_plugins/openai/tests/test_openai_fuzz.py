"""Damaged requests, answers and events: refused by name, and never a crash."""

import random
from base64 import urlsafe_b64encode
from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.messages import Reasoning
from jackfield.proofs import MARK, seal
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
NOTE = {"url_citation": {"url": "u", "start_index": 1, "end_index": 2}, "type": "url_citation"}
SAID = {
    "role": "assistant",
    "content": "Hi",
    "reasoning_details": [DETAIL, {"type": "reasoning.encrypted", "data": "x"}],
    "tool_calls": [{**CALL, **SIGNED}],
    "annotations": [NOTE],
    "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ITEMS = [
    {"type": "reasoning", "summary": [{"text": "Hm."}], "encrypted_content": PROOF},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {
        "type": "function_call_output",
        "call_id": "c",
        "output": [{"type": "input_text", "text": ""}],
    },
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://e.org"}]},
]
SAMPLES: list[tuple[Dialect, dict[str, Any], dict[str, Any]]] = [
    (
        CHAT,
        {"model": "m", "messages": [SAID, {"role": "tool", "content": "x"}], "tools": [TOOL]},
        {"id": "x", "choices": [{"index": 0, "message": SAID, "finish_reason": "stop"}]},
    ),
    (
        RESPONSES,
        {"model": "m", "input": ITEMS, "text": {"format": {"type": "text"}}},
        {"id": "x", "status": "completed", "output": ITEMS[:2], "usage": {"input_tokens": 1}},
    ),
    (
        COMPLETIONS,
        {"model": "m", "prompt": ["a"], "logprobs": 1, "stop": ["x"]},
        {"id": "x", "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]},
    ),
    (
        EMBEDDINGS,
        {"model": "m", "input": [[1], "a"], "output_dimension": 2, "input_type": "query"},
        {"data": [{"index": 0, "embedding": [0.5]}, {"embedding": "AAAAAA=="}], "model": "m"},
    ),
    (
        RERANK,
        {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_k": 1},
        {"results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}]},
    ),
    (COUNT_TOKENS, {"model": "m", "input": ITEMS}, {"input_tokens": 5}),
]
ODD: list[Any] = [None, True, -1, 1e308, "", "x", PROOF, [], [None], {}, {"type": "x"}, "é" * 9]


def damaged(value: Any, dice: random.Random) -> Any:
    """The value with one or more of its parts gone, doubled or replaced."""
    if dice.random() < 0.03:
        return dice.choice(ODD)
    if isinstance(value, dict):
        kept = {k: damaged(v, dice) for k, v in value.items() if dice.random() > 0.02}
        return kept if dice.random() > 0.05 else {**kept, dice.choice([*value, "x"]): 1}
    if isinstance(value, list):
        return [damaged(v, dice) for v in value for _ in range(dice.choice([0, 1, 1, 1, 1, 2]))]
    return value


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[0].name)
def test_a_damaged_request_is_refused_or_understood(sample: Any) -> None:
    dialect, request, _ = sample
    dice = random.Random(1)  # noqa: S311 - the same damage each time
    for _ in range(ROUNDS):
        tree = damaged(request, dice)
        try:
            parsed = dialect.parse_request(tree, {})
        except InvalidRequest:
            continue
        dialect.render_request(parsed)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[0].name)
def test_a_damaged_answer_is_refused_or_understood(sample: Any) -> None:
    dialect, request, answer = sample
    asked = dialect.parse_request(request, {})
    dice = random.Random(2)  # noqa: S311 - the same damage each time
    for _ in range(ROUNDS):
        body = msgspec.json.encode(damaged(answer, dice))
        try:
            parsed = dialect.parse_response(body)
        except ValueError:
            continue
        dialect.render_response(parsed, asked)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=lambda dialect: dialect.name)
def test_a_forged_proof_is_refused_or_understood(dialect: Dialect) -> None:
    notes = {"$keys": ["reasoning"], "$item": {"id": "x"}, "reasoning_details": [DETAIL]}
    thought = {"openai.chat": {**notes, "$place": [0, 1, 2]}, "openai.responses": notes}
    dice = random.Random(4)  # noqa: S311 - the same damage each time
    for _ in range(ROUNDS):
        forged = msgspec.json.encode({"signature": "s", "extensions": damaged(thought, dice)})
        proof = MARK + urlsafe_b64encode(forged).decode()
        item = {"type": "reasoning", "summary": [], "encrypted_content": proof}
        said = {**SAID, "reasoning_details": [{**DETAIL, "signature": proof}]}
        for source, tree in (
            (CHAT, {"model": "m", "messages": [said]}),
            (RESPONSES, {"model": "m", "input": [item]}),
        ):
            dialect.render_request(source.parse_request(tree, {}))


def test_a_damaged_event_breaks_a_stream_off_or_is_understood() -> None:
    dice = random.Random(3)  # noqa: S311 - the same damage each time
    delta = {**SAID, "tool_calls": [{**CALL, **SIGNED, "index": 0}], "reasoning_content": "Hm."}
    chunk = {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}
    asked = CHAT.parse_request(SAMPLES[0][1], {})
    for _ in range(ROUNDS):
        event = sse.encode(msgspec.json.encode(damaged(chunk, dice)))
        renderer = CHAT.stream_renderer(asked)
        try:
            events = CHAT.stream_parser().feed(event)
        except ProviderError:
            continue
        for one in events:
            renderer.render(one)


DEEP = b'{"type":"response.done","choices":[],"usage":%b,"error":%b}' % (
    (b"[" * 9999 + b"]" * 9999,) * 2
)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, RESOURCE], ids=lambda dialect: dialect.name)
def test_an_event_that_is_nested_without_end_tells_nothing(dialect: Dialect) -> None:
    event = sse.encode(DEEP)
    meter = dialect.usage_meter()
    meter.feed(event)
    assert (dialect.terminal(event), meter.usage()) == (None, None)
    assert dialect.parse_error(500, DEEP).message == "The provider answered 500 without a message."


def test_a_message_of_a_session_that_is_nested_without_end_tells_nothing() -> None:
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
