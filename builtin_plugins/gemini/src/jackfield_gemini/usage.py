"""Token counts in `usageMetadata`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.framing import Framing
from jackfield.messages import Usage

from .fields import NAME

_AUDIO = ("AUDIO", 4)  # a word, or its number in the enumeration
MARK: Final = b'"usageMetadata"'
"""What an event that reports usage holds."""


def read_usage(value: Any) -> Usage | None:
    """The usage in Google's object; None when it is none."""
    if not isinstance(value, dict):
        return None
    thoughts = _count(value, "thoughtsTokenCount")
    # What tools of Google's told the model was put in too, and is counted apart from the prompt.
    told = _count(value, "toolUsePromptTokenCount")
    return Usage(
        input_tokens=_count(value, "promptTokenCount") + told,
        output_tokens=_count(value, "candidatesTokenCount") + thoughts,
        cached_input_tokens=_count(value, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        audio_input_tokens=_audio(value.get("promptTokensDetails"))
        + _audio(value.get("toolUsePromptTokensDetails")),
        audio_output_tokens=_audio(value.get("candidatesTokensDetails")),
        extensions={NAME: value},
    )


def _count(value: Mapping[str, Any], key: str) -> int:
    count = value.get(key)
    return count if type(count) is int and 0 <= count < 1 << 53 else 0


def _audio(details: Any) -> int:
    if not isinstance(details, list):
        return 0
    found = [d for d in details if isinstance(d, dict) and d.get("modality") in _AUDIO]
    return sum(_count(detail, "tokenCount") for detail in found)


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """Google's object: the one that was read when it still says the same."""
    kept = usage.extensions.get(NAME)
    if kept is not None and read_usage(kept) == usage:
        return kept
    wire: dict[str, Any] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(usage.output_tokens - usage.reasoning_tokens, 0),
        "totalTokenCount": usage.total_tokens,
    }
    if usage.reasoning_tokens:
        wire["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_input_tokens:
        wire["cachedContentTokenCount"] = usage.cached_input_tokens
    if usage.audio_input_tokens:
        wire["promptTokensDetails"] = _split(usage.input_tokens, usage.audio_input_tokens)
    if usage.audio_output_tokens:
        spoken = usage.output_tokens - usage.reasoning_tokens
        wire["candidatesTokensDetails"] = _split(spoken, usage.audio_output_tokens)
    return wire


def _split(total: int, audio: int) -> list[dict[str, Any]]:
    return [
        {"modality": "TEXT", "tokenCount": max(total - audio, 0)},
        {"modality": "AUDIO", "tokenCount": audio},
    ]


class _Report(msgspec.Struct):
    usage: Any = msgspec.field(default=None, name="usageMetadata")


_read_report = msgspec.json.Decoder(_Report).decode


class UsageMeter:
    """Keeps the last batch of events that reports usage, and reads it when asked."""

    __slots__ = ("_batch", "_framing")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Look at a batch of whole events."""
        if MARK in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(self._framing.split(self._batch)):
            usage = read_usage(report_in(self._framing.data_of(event)))
            if usage is not None:
                return usage
        return None


def report_in(data: bytes | None) -> Any:
    """What an event's JSON says of usage, in Google's own words; None when nothing."""
    try:
        return _read_report(data).usage if data else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Answer(msgspec.Struct):
    """What tells an answer from an error, and its usage; the rest is skipped, but must be JSON."""

    candidates: msgspec.Raw = msgspec.Raw()
    feedback: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="promptFeedback")
    usage: Any = msgspec.field(default=None, name="usageMetadata")
    error: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError when it is no response."""
    try:
        answer = _read_answer(body)
    except msgspec.DecodeError as error:
        raise ValueError("the answer is not a JSON object") from error
    if answer.error is not None:
        raise ValueError("it is an error")
    if not bytes(answer.candidates) and not bytes(answer.feedback) and answer.usage is None:
        raise ValueError("the answer has no candidates")
    return read_usage(answer.usage)
