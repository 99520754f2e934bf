"""Usages and costs of recorded traffic, against what the providers themselves counted."""

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect, installed
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield_gemini.endpoints import GENERATE_ARRAY

pytestmark = needs_corpus

DIALECTS: Final = {
    "anthropic_messages": "anthropic.messages",
    "bedrock_converse": "bedrock.converse",
    "cohere_v2": "cohere.chat",
    "gemini": "gemini.generate_content",
    "ollama": "ollama.chat",
    "openai_chat": "openai.chat",
    "openai_responses": "openai.responses",
}
COUNTED: Final = [
    exchange
    for dialect in DIALECTS
    for exchange in exchanges(dialect)
    if exchange.expect.get("usage") and "stream_error" not in exchange.expect
]
AT: Final = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()

Classes = tuple[int, int, int, int, int, int, int]
"""Input, output, cached, cache writes, reasoning, and sound in and out."""


def classes(usage: Usage | None) -> Classes:
    assert usage is not None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        usage.audio_input_tokens,
        usage.audio_output_tokens,
    )


def expected(exchange: Exchange) -> Classes:
    """The provider's own numbers, in our classes."""
    return READERS[exchange.dialect](exchange.expect["usage"])


def of_anthropic(told: Mapping[str, Any]) -> Classes:
    cached = told.get("cache_read_input_tokens") or 0
    written = told.get("cache_creation_input_tokens") or 0
    thought = (told.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    total = told["input_tokens"] + cached + written
    return total, told["output_tokens"], cached, written, thought, 0, 0


def of_bedrock(told: Mapping[str, Any]) -> Classes:
    cached = told.get("cacheReadInputTokens") or 0
    written = told.get("cacheWriteInputTokens") or 0
    total = told["inputTokens"] + cached + written
    return total, told["outputTokens"], cached, written, 0, 0, 0


def of_cohere(told: Mapping[str, Any]) -> Classes:
    counts, cached = told["tokens"], told.get("cached_tokens") or 0
    thought = int(counts.get("reasoning_tokens") or 0)
    return int(counts["input_tokens"]), int(counts["output_tokens"]), int(cached), 0, thought, 0, 0


def of_gemini(told: Mapping[str, Any]) -> Classes:
    thoughts = told.get("thoughtsTokenCount") or 0
    tools = told.get("toolUsePromptTokenCount") or 0
    sound = [
        sum(
            one.get("tokenCount", 0)
            for key in keys
            for one in told.get(key) or ()
            if one.get("modality") == "AUDIO"
        )
        for keys in (
            ("promptTokensDetails", "toolUsePromptTokensDetails"),
            ("candidatesTokensDetails",),
        )
    ]
    return (
        (told.get("promptTokenCount") or 0) + tools,
        (told.get("candidatesTokenCount") or 0) + thoughts,
        told.get("cachedContentTokenCount") or 0,
        0,
        thoughts,
        sound[0],
        sound[1],
    )


def of_ollama(told: Mapping[str, Any]) -> Classes:
    return told["prompt_eval_count"], told["eval_count"], 0, 0, 0, 0, 0


def of_openai_chat(told: Mapping[str, Any]) -> Classes:
    given = told.get("prompt_tokens_details") or {}
    made = told.get("completion_tokens_details") or {}
    cached = (
        given.get("cached_tokens")
        or told.get("prompt_cache_hit_tokens")
        or told.get("num_cached_tokens")
        or told.get("cached_tokens")
        or 0
    )
    thought = made.get("reasoning_tokens") or 0
    output = told["completion_tokens"]
    if told["total_tokens"] == told["prompt_tokens"] + output + thought:
        output += thought  # as xAI counts
    return (
        told["prompt_tokens"],
        output,
        cached,
        given.get("cache_write_tokens") or 0,
        thought,
        given.get("audio_tokens") or 0,
        made.get("audio_tokens") or 0,
    )


def of_openai_responses(told: Mapping[str, Any]) -> Classes:
    given = told.get("input_tokens_details") or {}
    made = told.get("output_tokens_details") or {}
    return (
        told["input_tokens"],
        told["output_tokens"],
        given.get("cached_tokens") or 0,
        given.get("cache_write_tokens") or 0,
        made.get("reasoning_tokens") or 0,
        0,
        0,
    )


READERS: Final = {
    "anthropic_messages": of_anthropic,
    "bedrock_converse": of_bedrock,
    "cohere_v2": of_cohere,
    "gemini": of_gemini,
    "ollama": of_ollama,
    "openai_chat": of_openai_chat,
    "openai_responses": of_openai_responses,
}


def body_of(exchange: Exchange) -> bytes:
    body = exchange.response["body"]
    if exchange.response["body_kind"] == "eventstream":
        return base64.b64decode(body["base64"] if isinstance(body, dict) else body)
    return exchange.body


def metered(dialect: Dialect, body: bytes) -> Usage | None:
    """What the meter of a stream reads, fed a few bytes at a time as a network would."""
    framer, meter = dialect.framing.framer(), dialect.usage_meter()
    for start in range(0, len(body), 997):
        events = framer.feed(body[start : start + 997])
        if events:
            meter.feed(events)
    rest = dialect.framing.completed(framer.held)
    if rest:
        meter.feed(rest)
    return meter.usage()


def read(exchange: Exchange) -> Usage | None:
    dialect, body = installed(DIALECTS[exchange.dialect]), body_of(exchange)
    kind = exchange.response["body_kind"]
    if kind in ("sse", "eventstream", "ndjson"):
        return metered(dialect, body)
    if isinstance(exchange.response["body"], list):
        return metered(GENERATE_ARRAY, body)
    return dialect.usage(body)


def test_there_is_much_recorded_traffic_that_counts_tokens() -> None:
    assert len(COUNTED) > 1000


@pytest.mark.parametrize("exchange", COUNTED, ids=lambda exchange: exchange.id)
def test_tokens_by_class_are_the_providers_numbers(exchange: Exchange) -> None:
    assert classes(read(exchange)) == expected(exchange)


CHARGED: Final = [
    exchange
    for exchange in COUNTED
    if exchange.provider == "xai" and "cost_in_usd_ticks" in exchange.expect["usage"]
]


@pytest.mark.parametrize("exchange", CHARGED, ids=lambda exchange: exchange.id)
def test_the_book_asks_what_the_provider_says_that_it_charges(exchange: Exchange) -> None:
    usage = read(exchange)
    assert usage is not None
    target = Target("xai", exchange.model or "")
    cost = PriceBook().cost(target, replace(usage, cost=None), at=AT)
    assert cost.nano == usage.cost
    assert not cost.missing
