"""Token counts in `usageMetadata`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.framing import Framing
from jackfield.messages import Usage
from jackfield.strict_json import count_in

from .fields import UNREADABLE

_AUDIO, _IMAGE = ("AUDIO", 4), ("IMAGE", 2)  # a name, or its number in the enumeration
_TRAFFIC: Final = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}
_ONCE: Final = re.compile(r"(?:models/)?gemini-[12]\.")
_GROUNDED: Final = b'"groundingMetadata"'
_BILLED: Final = (b'"webSearchQueries"', b'"maps"')
EXTENSION: Final = "gemini.usage"
"""The extension of a Usage with the object that it was parsed from."""

MARK: Final = b'"usageMetadata"'
"""Bytes found in every event that reports usage."""


def read_usage(value: Any) -> Usage | None:
    """The usage in Google's object; None if it is invalid."""
    if not isinstance(value, dict):
        return None
    thoughts = count_of(value, "thoughtsTokenCount")
    # Input from Google's own tools is counted apart from the prompt.
    tool_tokens = count_of(value, "toolUsePromptTokenCount")
    return Usage(
        input_tokens=count_of(value, "promptTokenCount") + tool_tokens,
        output_tokens=count_of(value, "candidatesTokenCount") + thoughts,
        cached_input_tokens=count_of(value, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        audio_input_tokens=_of(_AUDIO, value, "promptTokensDetails", "toolUsePromptTokensDetails"),
        audio_output_tokens=_of(_AUDIO, value, "candidatesTokensDetails"),
        extensions={EXTENSION: value},
        cached_audio_tokens=_of(_AUDIO, value, "cacheTokensDetails"),
        image_input_tokens=_of(_IMAGE, value, "promptTokensDetails", "toolUsePromptTokensDetails"),
        image_output_tokens=_of(_IMAGE, value, "candidatesTokensDetails"),
        cached_image_tokens=_of(_IMAGE, value, "cacheTokensDetails"),
        service_tier=_tier(value),
    )


def _tier(value: Mapping[str, Any]) -> str | None:
    """The service tier; Vertex AI reports it as the traffic type."""
    tier = value.get("serviceTier")
    if type(tier) is str:
        return tier.lower()
    traffic = value.get("trafficType")
    return _TRAFFIC.get(traffic) if type(traffic) is str else None


def count_of(value: Mapping[str, Any], key: str) -> int:
    """A count among the members of an object; negative if it is no whole number."""
    return count_in(value.get(key))


def _of(modality: tuple[Any, ...], value: Mapping[str, Any], *keys: str) -> int:
    """The tokens of one modality in several lists of details."""
    total = 0
    for key in keys:
        details = value.get(key)
        for detail in details if type(details) is list else ():
            if type(detail) is dict and detail.get("modality") in modality:
                total += count_of(detail, "tokenCount")
    return total


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """Google's object: the original one if it is still the same usage."""
    kept = usage.extensions.get(EXTENSION)
    if kept is not None and read_usage(kept) == usage:
        return kept
    text_tokens = max(usage.output_tokens - usage.reasoning_tokens, 0)
    wire: dict[str, Any] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": text_tokens,
        "totalTokenCount": usage.total_tokens,
    }
    if usage.reasoning_tokens:
        wire["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_input_tokens:
        wire["cachedContentTokenCount"] = usage.cached_input_tokens
    details = {
        "promptTokensDetails": _split(
            usage.input_tokens, usage.audio_input_tokens, usage.image_input_tokens
        ),
        "cacheTokensDetails": _split(
            usage.cached_input_tokens, usage.cached_audio_tokens, usage.cached_image_tokens
        ),
        "candidatesTokensDetails": _split(
            text_tokens, usage.audio_output_tokens, usage.image_output_tokens
        ),
    }
    return wire | {name: split for name, split in details.items() if split}


def usage_losses(usage: Usage) -> list[Loss]:
    """The losses of counts that Google's object has no place for."""
    if not usage.cache_write_tokens:
        return []
    return [Loss("usage.cache_write", "usage", "dropped", f"{usage.cache_write_tokens} tokens")]


def _split(total: int, audio: int, image: int) -> list[dict[str, Any]]:
    """The tokens by modality; empty if all of them are text."""
    if not (audio or image):
        return []
    counts = (("TEXT", max(total - audio - image, 0)), ("AUDIO", audio), ("IMAGE", image))
    return [{"modality": name, "tokenCount": n} for name, n in counts if n]


class _Report(msgspec.Struct):
    usage: Any = msgspec.field(default=None, name="usageMetadata")


_read_report = msgspec.json.Decoder(_Report).decode


class UsageMeter:
    """Keeps the last batch of events that reports usage, and parses it on request."""

    __slots__ = ("_batch", "_framing", "_grounded")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._batch = b""
        self._grounded: list[bytes] = []

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events."""
        if MARK in events:
            self._batch = events
        if _GROUNDED in events and any(mark in events for mark in _BILLED):
            self._grounded.append(events)

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(self._framing.split(self._batch)):
            usage = read_usage(report_in(self._framing.data_of(event)))
            if usage is not None:
                split = self._framing.split
                grounded = [one for batch in self._grounded for one in split(batch)]
                return with_grounding(usage, grounded, self._framing)
        return None


def report_in(data: bytes | None) -> Any:
    """The usage in an event's JSON, in Google's form; None if it has none."""
    try:
        return _read_report(data).usage if data else None
    except UNREADABLE:
        return None


class _Answer(msgspec.Struct):
    """The members that tell an answer from an error, and its usage; the rest must be JSON."""

    candidates: msgspec.Raw = msgspec.Raw()
    feedback: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="promptFeedback")
    usage: Any = msgspec.field(default=None, name="usageMetadata")
    error: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError if it is not a response."""
    try:
        answer = _read_answer(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not a JSON object") from error
    if answer.error is not None:
        raise ValueError("it is an error")
    if not bytes(answer.candidates) and not bytes(answer.feedback) and answer.usage is None:
        raise ValueError("the answer has no candidates")
    usage = read_usage(answer.usage)
    if usage is None or _GROUNDED not in body:
        return usage
    return _grounded(usage, body)


def with_grounding(usage: Usage, events: Iterable[bytes], framing: Framing) -> Usage:
    """The usage with the web searches and places that some events report."""
    for event in events:
        usage = _grounded(usage, framing.data_of(event) or b"{}")
    return usage


class _Grounding(msgspec.Struct):
    queries: list[str] = msgspec.field(default_factory=list, name="webSearchQueries")
    sources: list[Any] = msgspec.field(default_factory=list, name="groundingChunks")

    def has_places(self) -> bool:
        """Whether any of the sources is from Google Maps."""
        return any(isinstance(source, dict) and "maps" in source for source in self.sources)


class _Candidate(msgspec.Struct):
    grounding: _Grounding | None = msgspec.field(default=None, name="groundingMetadata")


class _Grounded(msgspec.Struct):
    candidates: list[_Candidate] = msgspec.field(default_factory=list)
    model: str = msgspec.field(default="", name="modelVersion")


_read_grounded = msgspec.json.Decoder(_Grounded).decode


def _grounded(usage: Usage, data: bytes) -> Usage:
    """Up to Gemini 2.5 a request with searches is billed once, from Gemini 3 on per search.

    Google does not bill empty queries, nor one of them twice. How often it looked up places is not
    reported: a request with places counts as one lookup.
    """
    try:
        answer = _read_grounded(data)
    except UNREADABLE:
        return usage
    found = [one.grounding for one in answer.candidates if one.grounding is not None]
    queries = sum(len({*one.queries} - {""}) for one in found)
    searches = min(queries, 1) if _ONCE.match(answer.model) else queries
    counts = {"web_search": searches, "maps": int(any(one.has_places() for one in found))}
    units = {name: count for name, count in counts.items() if count}
    return replace(usage, units={**usage.units, **units}) if units else usage
