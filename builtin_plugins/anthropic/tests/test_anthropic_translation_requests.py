"""Recorded requests of other vendors, translated for Anthropic: what its own SDK would send."""

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from pydantic import TypeAdapter
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect, installed
from jackfield_anthropic.endpoints import MESSAGES

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
SOURCES = [
    (CHAT, "openai_chat", ("chat", "chat_stream")),
    (RESPONSES, "openai_responses", ("responses", "responses_stream")),
]
PLAIN: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
STREAMING: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsStreaming)
VENDORS = ("openai.chat.", "openai.responses.", "tools.", "messages.")
LOST = {
    *("reasoning.replay", "reasoning.effort", "reasoning.budget_tokens", "reasoning"),
    *("response_format.json_schema", "response_format.json_object", "response_format.schema"),
    *("documents.file_id", "documents.media_type", "images.file_id", "images.detail", "audio"),
    *("temperature", "top_p", "top_k", "stop", "seed", "penalties", "logit_bias", "logprobs", "n"),
    *("message.name", "modalities.audio", "modalities.image", "service_tier", "metadata", "store"),
    *("conversation.server_state", "citations", "refusals", "tool_choice", "tool_choice.names"),
    "reasoning.summary",
}
MODELS = ("claude-sonnet-4-0", "claude-sonnet-4-6", "claude-opus-4-8")


def recorded(dialect: str, operations: tuple[str, ...]) -> list[Exchange]:
    return [
        exchange
        for operation in operations
        for exchange in exchanges(dialect, operation)
        if isinstance(exchange.request_tree, dict) and exchange.status == 200
    ]


def check_accepted(body: dict[str, Any]) -> None:
    adapter = STREAMING if body.get("stream") else PLAIN
    adapter.dump_python(adapter.validate_python(body))  # dumping walks through what is lazy
    turns = body["messages"]
    assert turns[0]["role"] == "user"
    assert all(a["role"] != b["role"] for a, b in pairwise(turns))
    for before, turn in zip([None, *turns], turns, strict=False):
        check_turn(turn, before)


def check_turn(turn: dict[str, Any], before: dict[str, Any] | None) -> None:
    content = turn["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    assert blocks
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    results = [block["type"] == "tool_result" for block in blocks]
    assert results == sorted(results, reverse=True)
    if before is not None and isinstance(before["content"], list):
        called = {block["id"] for block in before["content"] if block["type"] == "tool_use"}
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        assert called == answered


@pytest.mark.parametrize(("source", "dialect", "operations"), SOURCES)
@pytest.mark.parametrize("model", MODELS)
def test_a_recorded_request_is_one_that_anthropic_accepts(
    source: Dialect, dialect: str, operations: tuple[str, ...], model: str
) -> None:
    lost: Counter[str] = Counter()
    for exchange in recorded(dialect, operations):
        tree = {**exchange.request_tree, "model": model}
        rendered = MESSAGES.render_request(source.parse_request(tree, {}))
        lost.update({loss.feature for loss in rendered.losses})
        if any(loss.breaks for loss in rendered.losses):
            continue
        try:
            check_accepted(msgspec.json.decode(rendered.body))
        except Exception as error:
            error.add_note(exchange.id)
            raise
    named = {name for name in lost if name.startswith(VENDORS)}
    assert lost.keys() <= LOST | named
