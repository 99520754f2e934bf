"""Ollama's token counts, which are members of the answer beside its durations."""

from collections.abc import Mapping
from typing import Any

from jackfield.fields import json_object
from jackfield.framing import NDJSON
from jackfield.messages import Usage

NAME = "ollama.usage"
"""The extension of a Usage with the counts that it was parsed from."""

_KEYS = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")


def take_usage(rest: dict[str, Any]) -> Usage | None:
    """The usage in an answer, whose counts are removed from `rest`; None if it has none.

    Older versions of Ollama do not count a fully cached prompt.
    """
    counts = {key: rest[key] for key in _KEYS if type(rest.get(key)) is int and rest[key] >= 0}
    if not counts:
        return None
    for key in counts:
        del rest[key]
    return Usage(
        input_tokens=counts.get("prompt_eval_count", 0),
        output_tokens=counts.get("eval_count", 0),
        cached_input_tokens=counts.get("prompt_eval_cached_count", 0),
        extensions={NAME: counts},
    )


def write_usage(usage: Usage | None) -> Mapping[str, int]:
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
