"""Token counts in Cohere's forms: `usage` of chats, and `meta` of other operations."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.messages import Bill, Usage
from jackfield.strict_json import count_in

EXTENSION: Final = "cohere.usage"
"""The extension of a Usage with the object that it was parsed from."""


def read_usage(value: Any) -> Usage | None:
    """The usage of a chat; billed units are used only without token counts."""
    if not isinstance(value, dict):
        return None
    tokens = _table(value, "tokens") or _table(value, "billed_units")
    if not tokens and "cached_tokens" not in value:
        return None
    return Usage(
        input_tokens=_count(tokens, "input_tokens"),
        output_tokens=_count(tokens, "output_tokens"),
        cached_input_tokens=_count(value, "cached_tokens"),
        reasoning_tokens=_count(tokens, "reasoning_tokens"),
        extensions={EXTENSION: value},
        bills=_bills(_table(value, "billed_units"), tokens),
    )


def _bills(billed: Mapping[str, Any], counted: Mapping[str, Any]) -> tuple[Bill, ...]:
    """The billed units, which exclude the tokens of Cohere's own prompt template."""
    given, made = _count(billed, "input_tokens"), _count(billed, "output_tokens")
    same = (_count(counted, "input_tokens"), _count(counted, "output_tokens")) == (given, made)
    return () if same or not billed else (Bill(Usage(given, made)),)


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """The `usage` of a chat: the original one if its values are unchanged."""
    kept = usage.extensions.get(EXTENSION)
    if kept is not None and read_usage(kept) == usage:
        return kept
    billed = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    tokens = dict(billed)
    if usage.reasoning_tokens:
        tokens["reasoning_tokens"] = usage.reasoning_tokens
    return {
        "billed_units": billed,
        "tokens": tokens,
        "cached_tokens": usage.cached_input_tokens,
    }


def read_meta(value: Any) -> Usage | None:
    """The usage in the `meta` of vectors or ranks; images count as input."""
    if not isinstance(value, dict):
        return None
    billed, tokens = _table(value, "billed_units"), _table(value, "tokens")
    if not billed and not tokens:
        return None
    counted = tokens or billed
    searches = _count(billed, "search_units")
    return Usage(
        input_tokens=_count(counted, "input_tokens") + _count(counted, "image_tokens"),
        output_tokens=_count(counted, "output_tokens"),
        cached_input_tokens=_count(value, "cached_tokens"),
        extensions={EXTENSION: value},
        image_input_tokens=_count(counted, "image_tokens"),
        units={"rerank_search": searches} if searches else {},
    )


def write_meta(usage: Usage | None, units: Mapping[str, int]) -> Mapping[str, Any]:
    """The `meta` of vectors or ranks: the original one, or one that bills `units`."""
    kept = usage.extensions.get(EXTENSION) if usage is not None else None
    if kept is not None and read_meta(kept) == usage:
        return kept
    return {"api_version": {"version": "2"}, "billed_units": units}


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = value.get(key)
    return table if isinstance(table, dict) else {}


def _count(value: Mapping[str, Any], key: str) -> int:
    return count_in(value.get(key))


class _Answer(msgspec.Struct):
    """Members that distinguish an answer from an error, and its usage; the rest must be JSON."""

    message: msgspec.Raw = msgspec.Raw()
    embeddings: msgspec.Raw = msgspec.Raw()
    results: msgspec.Raw = msgspec.Raw()
    tokens: msgspec.Raw = msgspec.Raw()
    usage: Any = None
    meta: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes, member: str) -> Usage | None:
    """The usage of an answer, which must have `member` as an object or array.

    Raises ValueError if it does not: an error's `message` is a string.
    """
    try:
        answer = _read_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError("the answer is not a JSON object") from error
    if bytes(memoryview(getattr(answer, member))[:1]) not in (b"{", b"["):
        raise ValueError(f"the answer has no {member}")
    return read_usage(answer.usage) if member == "message" else read_meta(answer.meta)


class EventMeter:
    """Keeps the last batch of events that reports usage, and parses it on request."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events."""
        if b'"usage"' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(sse.split(self._batch)):
            usage = _usage_of_event(sse.data_of(event) or b"")
            if usage is not None:
                return usage
        return None


def _usage_of_event(data: bytes) -> Usage | None:
    try:
        tree = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    delta = tree.get("delta") if isinstance(tree, dict) else None
    return read_usage(delta.get("usage")) if isinstance(delta, dict) else None
