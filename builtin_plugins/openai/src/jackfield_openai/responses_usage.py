"""Token counts in the form of the Responses API."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield import sse
from jackfield.messages import Usage

from .responses_content import NAME, own


def read_usage(value: Any) -> Usage | None:
    """The canonical usage of a `usage` object; None when it is none."""
    if not isinstance(value, Mapping):
        return None
    details = value.get("input_tokens_details")
    return Usage(
        input_tokens=_count(value, "input_tokens"),
        output_tokens=_count(value, "output_tokens"),
        cached_input_tokens=_count(details, "cached_tokens"),
        cache_write_tokens=_count(details, "cache_write_tokens"),
        reasoning_tokens=_count(value.get("output_tokens_details"), "reasoning_tokens"),
        extensions={NAME: {"$usage": value}},
    )


def _count(counts: Any, key: str) -> int:
    count = counts.get(key) if isinstance(counts, Mapping) else None
    return count if type(count) is int and 0 <= count < 1 << 53 else 0


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """The `usage` object: the one that was read when it still says the same."""
    kept: Mapping[str, Any] | None = own(usage.extensions).get("$usage")
    if kept is not None and read_usage(kept) == usage:
        return kept
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


class _Reported(msgspec.Struct):
    usage: Any = None
    output: msgspec.Raw = msgspec.Raw()


class _Event(msgspec.Struct):
    response: _Reported | None = None


_decode_body = msgspec.json.Decoder(_Reported).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def usage_of(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError when it is no response."""
    try:
        answer = _decode_body(body)
    except msgspec.DecodeError as error:
        raise ValueError("the answer is not a JSON object") from error
    if not bytes(answer.output).startswith(b"["):
        raise ValueError("the answer has no output")
    return read_usage(answer.usage)


class ResponsesMeter:
    """Keeps the last batch of events that speaks of usage, and reads it when asked."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Look at a batch of whole events."""
        if b'"usage"' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(sse.split(self._batch)):
            usage = _usage_in(event)
            if usage is not None:
                return usage
        return None


def _usage_in(event: bytes) -> Usage | None:
    try:
        response = _decode_event(sse.data_of(event) or b"").response
    except msgspec.DecodeError:
        return None
    return None if response is None else read_usage(response.usage)
