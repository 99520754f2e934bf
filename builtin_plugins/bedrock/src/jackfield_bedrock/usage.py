"""Token counts as Bedrock reports them, with cache reads and writes counted apart."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.framing import Framing
from jackfield.messages import Bill, Usage
from jackfield.strict_json import count_in

from .converse_members import at

EXTENSION: Final = "bedrock.usage"
"""The extension of a Usage with the object that it was parsed from."""

OPTIMIZED: Final = "optimized"
"""The service tier of requests that are served with optimized latency."""

NO_USAGE: Final = b'{"inputTokens":0,"outputTokens":0,"totalTokens":0}'
"""The usage if nothing is known, as clients rely on an object."""

_READ: Final = ("cacheReadInputTokens", "cacheReadInputTokenCount")
_WRITTEN: Final = ("cacheWriteInputTokens", "cacheWriteInputTokenCount")


def read_usage(value: Any) -> Usage | None:
    """The usage in Converse's object; None if it is invalid."""
    if not isinstance(value, dict) or "inputTokens" not in value:
        return None
    cached, written = _count(value, *_READ), _count(value, *_WRITTEN)
    return Usage(
        input_tokens=_count(value, "inputTokens") + cached + written,
        output_tokens=_count(value, "outputTokens"),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        extensions={EXTENSION: value},
        cache_write_1h_tokens=_kept_an_hour(value.get("cacheDetails")),
    )


def as_served(usage: Usage | None, beside: Mapping[str, Any]) -> Usage | None:
    """The usage with the members beside it: the tier, and the model chosen by a router."""
    if usage is None:
        return None
    # Where its quota is used up, AWS serves a request for optimized latency as a standard one.
    optimized = at(beside, ("performanceConfig", "latency")) == OPTIMIZED
    tier = OPTIMIZED if optimized else at(beside, ("serviceTier", "type"))
    if isinstance(tier, str):
        usage = replace(usage, service_tier=tier)
    chosen = at(beside, ("trace", "promptRouter", "invokedModelId"))
    if isinstance(chosen, str):
        usage = replace(usage, bills=(Bill(usage, chosen.rpartition("/")[2]),))
    return usage


def _kept_an_hour(details: Any) -> int:
    found = details if isinstance(details, list) else ()
    hours = [each for each in found if isinstance(each, dict) and each.get("ttl") == "1h"]
    return sum(_count(each, "inputTokens") for each in hours)


def write_usage(usage: Usage | None) -> Mapping[str, Any]:
    """Converse's object: the original one if its values are unchanged."""
    usage = usage or Usage()
    kept = usage.extensions.get(EXTENSION)
    if kept is not None and read_usage(kept) == usage:
        return kept
    apart = usage.cached_input_tokens + usage.cache_write_tokens
    wire = {
        "inputTokens": max(usage.input_tokens - apart, 0),
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
    }
    if usage.cached_input_tokens:
        wire[_READ[0]] = usage.cached_input_tokens
    if usage.cache_write_tokens:
        wire[_WRITTEN[0]] = usage.cache_write_tokens
    return wire


def _count(value: Mapping[str, Any], *keys: str) -> int:
    for key in keys:
        number = count_in(value.get(key))
        if number:
            return number
    return 0


def count_of(value: Any, key: str) -> int:
    """A count among the members of an answer; Titan sends floats."""
    return _count(value, key) if isinstance(value, dict) else 0


class EventMeter:
    """Keeps the last batch of events that reports usage, and parses it on request."""

    __slots__ = ("_batch", "_framing", "_hint", "_read")

    def __init__(
        self, framing: Framing, read: Callable[[Any], Usage | None], hint: bytes = b""
    ) -> None:
        self._framing = framing
        self._read = read
        self._hint = hint
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events; without a hint of usage the last one counts."""
        if self._hint in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(self._framing.split(self._batch)):
            try:
                usage = self._read(msgspec.json.decode(self._framing.data_of(event) or b"null"))
            except (msgspec.DecodeError, ValueError, RecursionError):
                continue
            if usage is not None:
                return usage
        return None
