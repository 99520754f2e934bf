"""Usages and costs of recorded traffic, against what the providers themselves counted."""

import datetime as dt
from typing import Final

import pytest
from msgspec.structs import replace
from tests.corpus import Exchange, exchanges, needs_corpus
from tests.counters import COUNTERS
from tests.recordings import wire_of

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
    return classes(COUNTERS[exchange.dialect](exchange.expect["usage"]))


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
    dialect, body = installed(DIALECTS[exchange.dialect]), wire_of(exchange)
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
