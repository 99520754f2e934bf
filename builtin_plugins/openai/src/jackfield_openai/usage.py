"""Token counts in the form of the chat, completions and embeddings APIs."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield import sse
from jackfield.messages import Bill, Extensions, Usage
from jackfield.money import NANO
from jackfield.rates import AUDIO
from jackfield.strict_json import count_in

from .failures import UNREADABLE

EXTENSION = "openai.usage"
"""The extension of a Usage with the object that it was parsed from."""

_USUAL_TIERS: Final = frozenset(("", "auto", "default", "on_demand", "standard"))
_MOST_DOLLARS: Final = 1_000_000
_UNITS: Final = (
    ("", "prompt_audio_seconds", AUDIO),
    ("server_tool_use_details", "web_search_requests", "web_search"),
    ("server_side_tool_usage_details", "web_search_calls", "web_search"),
    ("server_side_tool_usage_details", "x_search_calls", "x_search"),
    ("server_side_tool_usage_details", "file_search_calls", "file_search"),
    ("server_side_tool_usage_details", "code_interpreter_calls", "code_execution"),
)
_PREDICTED: Final = ("accepted_prediction_tokens", "rejected_prediction_tokens")
_COUNTED_BESIDES = frozenset(details or key for details, key, _ in _UNITS)
TOOLS_USED: Final = b'"executed_tools"'
"""Bytes found in every answer of Groq's for which it used its own tools."""


_REPORT = re.compile(rb'"usage"\s*:\s*\{')


def read_usage(value: Any) -> Usage | None:
    """The usage in OpenAI's object or a compatible provider's; None if it is invalid.

    xAI counts reasoning separately from `completion_tokens`; its total shows that.
    """
    if type(value) is not dict:
        return None
    count_in = count_of(value, "prompt_tokens")
    count_out = count_of(value, "completion_tokens")
    total = count_of(value, "total_tokens")
    if len(value) == 3 and count_in and total == count_in + count_out:
        return Usage(count_in, count_out, extensions={EXTENSION: value})
    inputs, outputs = _details(value, "prompt"), _details(value, "completion")
    reasoning = count_of(outputs, "reasoning_tokens")
    if reasoning and total == count_in + count_out + reasoning:
        count_out += reasoning
    if not count_in and not count_out:
        count_in = total  # Voyage reports only the total
    return Usage(
        input_tokens=count_in,
        output_tokens=count_out,
        cached_input_tokens=_cached(value, inputs),
        cache_write_tokens=count_of(inputs, "cache_write_tokens"),
        reasoning_tokens=reasoning,
        audio_input_tokens=count_of(inputs, "audio_tokens"),
        audio_output_tokens=count_of(outputs, "audio_tokens"),
        extensions={EXTENSION: value, **_predicted(outputs)},
        image_input_tokens=count_of(inputs, "image_tokens"),
        image_output_tokens=count_of(outputs, "image_tokens"),
        units=read_units(value),
        cost=read_cost(value),
    )


def _predicted(outputs: Mapping[str, Any]) -> Extensions:
    """How much of a prediction came true, which only OpenAI reports."""
    found = {key: outputs[key] for key in _PREDICTED if count_of(outputs, key) > 0}
    return {"openai.chat": found} if found else {}


def read_units(value: Mapping[str, Any]) -> Mapping[str, int]:
    """Quantities other than tokens reported by xAI, OpenRouter and Mistral."""
    units: dict[str, int] = {}
    if _COUNTED_BESIDES.isdisjoint(value):
        return units
    for details, key, unit in _UNITS:
        inner = value.get(details) if details else value
        count = count_of(inner, key) if type(inner) is dict else 0
        if count:
            units[unit] = count * (1000 if unit == AUDIO else 1)
    return units


def read_cost(value: Mapping[str, Any]) -> int | None:
    """The cost reported by xAI, OpenRouter and Perplexity, in nano-dollars.

    With a vendor's key of one's own, OpenRouter's cost is its fee alone: the vendor bills the rest.
    """
    ticks = value.get("cost_in_usd_ticks")
    if type(ticks) is int and 0 <= ticks < 1 << 53:
        return -(-ticks // 10)
    cost = value.get("cost")
    if type(cost) is dict:
        cost = cost.get("total_cost")
    costs = [cost]
    details = value.get("cost_details")
    if value.get("is_byok") is True and type(details) is dict:
        costs.append(details.get("upstream_inference_cost"))
    if not all(isinstance(one, int | float) and 0 <= one < _MOST_DOLLARS for one in costs):
        return None
    return math.ceil(sum(Decimal(repr(one)) for one in costs) * NANO)


def _cached(value: Mapping[str, Any], inputs: Mapping[str, Any]) -> int:
    # DeepSeek, Together and Mistral have or had members of their own.
    return (
        count_of(inputs, "cached_tokens")
        or count_of(value, "prompt_cache_hit_tokens")
        or count_of(value, "num_cached_tokens")
        or count_of(value, "cached_tokens")
    )


def count_of(value: Mapping[str, Any], key: str) -> int:
    """A count among the members of an object; negative if it is no whole number."""
    return count_in(value.get(key))


def _details(value: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    details = value.get(f"{side}_tokens_details")
    return details if type(details) is dict else {}


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """OpenAI's object: the original one if it is still the same usage."""
    kept = usage.extensions.get(EXTENSION)
    if kept is not None and read_usage(kept) == usage:
        return kept
    details: dict[str, Any] = {"cached_tokens": usage.cached_input_tokens}
    if usage.cache_write_tokens:
        details["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": details | {"audio_tokens": usage.audio_input_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }


class _Answer(msgspec.Struct):
    """The members that tell an answer from an error, and its usage; the rest must be JSON."""

    choices: msgspec.Raw = msgspec.Raw()
    error: Any = None
    usage: Any = None
    x_groq: Any = None
    service_tier: Any = None
    usage_breakdown: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError if it is not a response."""
    try:
        answer = _read_answer(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not a JSON object") from error
    if bytes(memoryview(answer.choices)[:1]) != b"[":
        raise ValueError("the answer has no choices" if answer.error is None else "it is an error")
    usage = in_tier(_reported(answer.usage, answer.x_groq), answer.service_tier)
    parts = answer.usage_breakdown
    return usage if parts is None else by_model(usage, parts, used_tools=TOOLS_USED in body)


def usage_of(body: bytes) -> Usage | None:
    """The usage that a chunk reports; None also if it is not JSON, such as `[DONE]`."""
    try:
        tree = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    usage = chunk_usage(tree)
    if usage is None:
        return None
    usage, groq = in_tier(usage, tree.get("service_tier")), tree.get("x_groq")
    parts = groq.get("usage_breakdown") if type(groq) is dict else None
    # Other chunks say whether tools were used.
    return usage if parts is None else by_model(usage, parts, used_tools=True)


def by_model(usage: Usage | None, breakdown: Any, *, used_tools: bool) -> Usage | None:
    """The usage of a system of several models, such as Groq's `compound`.

    Each model is billed at its own rates, and the tools besides.
    """
    parts = breakdown.get("models") if type(breakdown) is dict else None
    if usage is None or type(parts) is not list:
        return usage
    bills = [_bill(part) for part in parts if type(part) is dict]
    if used_tools:
        bills.append(Bill(Usage(units={"web_search": 1})))
    return replace(usage, bills=tuple(bills))


def _bill(part: Mapping[str, Any]) -> Bill:
    used, model = read_usage(part.get("usage")) or Usage(), part.get("model")
    return Bill(replace(used, extensions={}), model if type(model) is str else None)


def in_tier(usage: Usage | None, tier: Any) -> Usage | None:
    """The usage with the service tier, which an answer reports separately."""
    if usage is None or type(tier) is not str or tier in _USUAL_TIERS:
        return usage
    return replace(usage, service_tier=tier)


def chunk_usage(tree: Any) -> Usage | None:
    """The usage of a response or chunk; Groq reports it under `x_groq` too, or instead."""
    return _reported(tree.get("usage"), tree.get("x_groq")) if type(tree) is dict else None


def _reported(value: Any, groq: Any) -> Usage | None:
    usage = read_usage(value)
    return read_usage(groq.get("usage")) if usage is None and type(groq) is dict else usage


class ChunkMeter:
    """Keeps the last batch of events that reports usage, and parses it on request."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events."""
        if b'"usage"' in events and _REPORT.search(events):
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(sse.split(self._batch)):
            usage = usage_of(sse.data_of(event) or b"")
            if usage is not None:
                return usage
        return None
