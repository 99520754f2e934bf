"""Ollama's token counts, which are members of the answer beside its durations."""

from collections.abc import Mapping
from typing import Any

from jackfield.fields import json_object
from jackfield.framing import NDJSON
from jackfield.messages import Usage
from jackfield.strict_json import count_in

NAME = "ollama.usage"
"""The extension of a Usage with the counts that it was parsed from."""

_KEYS = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")


def take_usage(rest: dict[str, Any]) -> Usage | None:
    """The usage in an answer, whose counts are removed from `rest`; None if it has none.

    Older versions of Ollama do not count a fully cached prompt.
    """
    counts = {key: rest[key] for key in _KEYS if rest.get(key) is not None}
    if not counts:
        return None
    for key in counts:
        del rest[key]
    return Usage(
        input_tokens=_count(counts, "prompt_eval_count"),
        output_tokens=_count(counts, "eval_count"),
        cached_input_tokens=_count(counts, "prompt_eval_cached_count"),
        extensions={NAME: counts},
    )


def _count(counts: Mapping[str, Any], key: str) -> int:
    count = counts.get(key)
    return count_in(count)


def write_usage(usage: Usage | None) -> Mapping[str, Any]:
    """The counts of an answer: the original ones if they still say the same."""
    if usage is None:
        return {}
    kept = usage.extensions.get(NAME)
    if kept is not None and take_usage(dict(kept)) == usage:
        return kept
    counts = {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
    if usage.cached_input_tokens:
        counts["prompt_eval_cached_count"] = usage.cached_input_tokens
    return counts


class LastLineMeter:
    """Keeps the last batch of lines that counts tokens, and parses it on request."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete lines."""
        if b'eval_count"' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for line in reversed(NDJSON.split(self._batch)):
            try:
                usage = take_usage(json_object(line))
            except ValueError:
                continue
            if usage is not None:
                return usage
        return None
