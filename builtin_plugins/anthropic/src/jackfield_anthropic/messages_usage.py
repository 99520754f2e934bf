"""Token counts in the form of Messages, where cached input is counted apart."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.framing import SSE, Framing
from jackfield.messages import Usage

from .fields import NAME, own

_COUNTS: Final = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
)
_REPORT = re.compile(rb'"usage"\s*:\s*\{')


def read_usage(value: Any) -> Usage | None:
    """The canonical usage of a `usage` object; None when it is none."""
    if type(value) is not dict:
        return None
    fresh, cached, written, told = [
        count if type(count := value.get(key)) is int and 0 <= count < 1 << 53 else 0
        for key in _COUNTS
    ]
    details = value.get("output_tokens_details")
    thought = details.get("thinking_tokens") if type(details) is dict else 0
    return Usage(
        input_tokens=fresh + cached + written,
        output_tokens=told,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=thought if type(thought) is int and 0 <= thought < 1 << 53 else 0,
        extensions={NAME: {"$usage": value}},
    )


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """The `usage` object: the one that was read when it still says the same."""
    kept: Mapping[str, Any] | None = own(usage.extensions).get("$usage")
    if kept is not None and read_usage(kept) == usage:
        return kept
    # Azure has reported more cached tokens than tokens; what is billed stays right.
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    wire: dict[str, Any] = {
        "input_tokens": usage.input_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return wire


def merged_usage(first: Any, later: Any) -> Any:
    """What the beginning and the end of a stream report together; both count from the start."""
    if not isinstance(first, Mapping):
        return later
    if not isinstance(later, Mapping):
        return first
    return {**first, **{key: value for key, value in later.items() if value is not None}}


class _Answer(msgspec.Struct):
    """What tells an answer from an error, and its usage; the rest is skipped, but must be JSON."""

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
    """The usage that a complete answer reports. Raises ValueError when it is no answer."""
    try:
        answer = _decode_answer(body)
    except msgspec.DecodeError as error:
        raise ValueError("the answer is not a JSON object") from error
    if bytes(memoryview(answer.content)[:1]) != b"[":
        raise ValueError("the answer has no content")
    return read_usage(answer.usage)


class MessagesMeter:
    """Keeps the first and the last batch of events that report usage, and reads them when asked."""

    __slots__ = ("_first", "_framing", "_last")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._first = b""
        self._last = b""

    def feed(self, events: bytes) -> None:
        """Look at a batch of whole events."""
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
                told = _decode_event(self._framing.data_of(event) or b"{}")
            except msgspec.DecodeError:
                continue
            found = merged_usage(found, told.usage if told.message is None else told.message.usage)
        return found
