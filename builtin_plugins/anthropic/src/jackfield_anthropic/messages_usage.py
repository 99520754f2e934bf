"""Token counts of Messages, with cached input counted separately."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.framing import SSE, Framing
from jackfield.messages import Bill, Usage
from jackfield.strict_json import count_in

from .fields import NAME, UNREADABLE, own

_NO_UNITS: Final[Mapping[str, int]] = {}
_TIERS: Final = ("standard", "priority", "batch")
"""The tiers allowed in an answer; clients know no others."""


_REPORT = re.compile(rb'"usage"\s*:\s*\{')


def read_usage(value: Any) -> Usage | None:
    """The canonical usage of a `usage` object; None if it is invalid."""
    if type(value) is not dict:
        return None
    fresh, written = _count(value, "input_tokens"), _count(value, "cache_creation_input_tokens")
    cached = _count(value, "cache_read_input_tokens")
    input_details, output_details = (
        value.get("input_tokens_details"),
        value.get("output_tokens_details"),
    )
    kept, used = value.get("cache_creation"), value.get("server_tool_use")
    usage = Usage(
        input_tokens=fresh + cached + written,
        output_tokens=_count(value, "output_tokens"),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=_count(output_details, "thinking_tokens") if output_details else 0,
        audio_input_tokens=_count(input_details, "audio_tokens") if input_details else 0,
        audio_output_tokens=_count(output_details, "audio_tokens") if output_details else 0,
        extensions={NAME: {"$usage": value}},
        cache_write_1h_tokens=_count(kept, "ephemeral_1h_input_tokens") if kept else 0,
        units=_units(used) if used else _NO_UNITS,
        service_tier=_tier(value),
    )
    rounds = value.get("iterations")
    return replace(usage, bills=_bills(usage, rounds)) if type(rounds) is list else usage


def _count(table: Any, key: str) -> int:
    count = table.get(key) if type(table) is dict else 0
    return count_in(count)


def _units(used: Any) -> Mapping[str, int]:
    searches = _count(used, "web_search_requests")
    return {"web_search": searches} if searches else _NO_UNITS


def _tier(value: Mapping[str, Any]) -> str | None:
    """The tier, and the region if it costs more: processing in the US costs a tenth more."""
    stated = value.get("service_tier")
    tier = "fast" if value.get("speed") == "fast" else stated if type(stated) is str else None
    if value.get("inference_geo") != "us":
        return tier
    return f"us_{tier}" if tier in ("fast", "batch") else "us"


def _bills(usage: Usage, rounds: list[Any]) -> tuple[Bill, ...]:
    """The billed rounds missing from the sum: those of an advisor, and a compaction.

    If another model took over, each round is billed at its own model's rates.
    """
    rounds = [one for one in rounds if type(one) is dict]
    if any(one.get("type") == "fallback_message" for one in rounds):
        first, *others = (_bill(one, usage) for one in rounds)
        return (replace(first, usage=replace(first.usage, units=usage.units)), *others)
    apart = [_bill(one, usage) for one in rounds if one.get("type") not in ("message", None)]
    return (Bill(replace(usage, extensions={})), *apart) if apart else ()


def _bill(one: dict[str, Any], usage: Usage) -> Bill:
    model, used = one.get("model"), read_usage(one) or Usage()
    used = replace(used, extensions={}, service_tier=usage.service_tier)
    return Bill(used, model if type(model) is str else None)


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """The `usage` object: the original one if its values are unchanged."""
    kept: Mapping[str, Any] | None = own(usage.extensions).get("$usage")
    if kept is not None and read_usage(kept) == usage:
        return kept
    # Azure has reported more cached tokens than tokens; the billing stays correct.
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    wire: dict[str, Any] = {
        "input_tokens": usage.input_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
    return wire | _details(usage, min(usage.cache_write_1h_tokens, written), written)


def _details(usage: Usage, for_an_hour: int, written: int) -> dict[str, Any]:
    """Details of the counts. Messages has no name for audio tokens, so OpenAI's is used."""
    wire: dict[str, Any] = {}
    if for_an_hour:
        wire["cache_creation"] = {
            "ephemeral_5m_input_tokens": written - for_an_hour,
            "ephemeral_1h_input_tokens": for_an_hour,
        }
    if usage.audio_input_tokens:
        wire["input_tokens_details"] = {"audio_tokens": usage.audio_input_tokens}
    audio = {"audio_tokens": usage.audio_output_tokens} if usage.audio_output_tokens else {}
    if usage.reasoning_tokens or audio:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens, **audio}
    searches = usage.units.get("web_search")
    if searches:
        wire["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    if usage.service_tier in _TIERS:
        wire["service_tier"] = usage.service_tier
    return wire


def merged_usage(first: Any, later: Any) -> Any:
    """The usage from the start and the end of a stream; both are totals."""
    if not isinstance(first, Mapping):
        return later
    if not isinstance(later, Mapping):
        return first
    return {**first, **{key: value for key, value in later.items() if value is not None}}


class _Answer(msgspec.Struct):
    """Members that distinguish an answer from an error, and its usage; the rest must be JSON."""

    content: msgspec.Raw = msgspec.Raw()
    usage: Any = None


class _Begun(msgspec.Struct):
    usage: Any = None


class _Event(msgspec.Struct):
    message: _Begun | None = None
    usage: Any = None


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete answer reports. Raises ValueError if it is not an answer."""
    try:
        answer = _decode_answer(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not a JSON object") from error
    if bytes(memoryview(answer.content)[:1]) != b"[":
        raise ValueError("the answer has no content")
    return read_usage(answer.usage)


class MessagesMeter:
    """Keeps the first and last batch of events with usage, and parses them on request."""

    __slots__ = ("_first", "_framing", "_last")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._first = b""
        self._last = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events."""
        if self._framing is SSE:
            if b'"usage"' not in events or not _REPORT.search(events):
                return
        elif self._usage_in(events) is None:
            return
        if self._first:
            self._last = events
        else:
            self._first = events

    def usage(self) -> Usage | None:
        """The usage reported so far, or None."""
        return read_usage(merged_usage(self._usage_in(self._first), self._usage_in(self._last)))

    def _usage_in(self, events: bytes) -> Any:
        found = None
        for event in self._framing.split(events) if events else ():
            try:
                decoded = _decode_event(self._framing.data_of(event) or b"{}")
            except UNREADABLE:
                continue
            found = merged_usage(
                found, decoded.usage if decoded.message is None else decoded.message.usage
            )
        return found
