"""Token counts in the form of the chat, completions and embeddings APIs."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield import sse
from jackfield.messages import Usage

EXTENSION = "openai.usage"
"""Under this name a Usage keeps the object that it was read from."""

_REPORT = re.compile(rb'"usage"\s*:\s*\{')


def read_usage(value: Any) -> Usage | None:
    """The usage in OpenAI's object or in that of a compatible provider; None when it is none.

    xAI counts reasoning apart from `completion_tokens`; its total tells.
    """
    if type(value) is not dict:
        return None
    count_in = _count(value, "prompt_tokens")
    count_out = _count(value, "completion_tokens")
    total = _count(value, "total_tokens")
    if len(value) == 3 and count_in and total == count_in + count_out:
        return Usage(count_in, count_out, extensions={EXTENSION: value})
    inputs, outputs = _details(value, "prompt"), _details(value, "completion")
    reasoning = _count(outputs, "reasoning_tokens")
    if reasoning and total == count_in + count_out + reasoning:
        count_out += reasoning
    if not count_in and not count_out:
        count_in = total  # Voyage reports nothing but the total
    return Usage(
        input_tokens=count_in,
        output_tokens=count_out,
        cached_input_tokens=_cached(value, inputs),
        cache_write_tokens=_count(inputs, "cache_write_tokens"),
        reasoning_tokens=reasoning,
        audio_input_tokens=_count(inputs, "audio_tokens"),
        audio_output_tokens=_count(outputs, "audio_tokens"),
        extensions={EXTENSION: value},
    )


def _cached(value: Mapping[str, Any], inputs: Mapping[str, Any]) -> int:
    # DeepSeek, Together and Mistral have or had a place of their own.
    return (
        _count(inputs, "cached_tokens")
        or _count(value, "prompt_cache_hit_tokens")
        or _count(value, "num_cached_tokens")
        or _count(value, "cached_tokens")
    )


def _count(value: Mapping[str, Any], key: str) -> int:
    count = value.get(key)
    return count if type(count) is int and 0 <= count < 1 << 53 else 0


def _details(value: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    details = value.get(f"{side}_tokens_details")
    return details if type(details) is dict else {}


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """OpenAI's object: the one that was read when it still says the same."""
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
    """What tells an answer from an error, and its usage; the rest is skipped, but must be JSON."""

    choices: msgspec.Raw = msgspec.Raw()
    error: Any = None
    usage: Any = None
    x_groq: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError when it is no response."""
    try:
        answer = _read_answer(body)
    except msgspec.DecodeError as error:
        raise ValueError("the answer is not a JSON object") from error
    if bytes(memoryview(answer.choices)[:1]) != b"[":
        raise ValueError("the answer has no choices" if answer.error is None else "it is an error")
    return chunk_usage({"usage": answer.usage, "x_groq": answer.x_groq})


def usage_of(body: bytes) -> Usage | None:
    """The usage that a chunk reports; None also for what is no JSON, such as `[DONE]`."""
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return chunk_usage(tree)


def chunk_usage(tree: Any) -> Usage | None:
    """The usage of a response or chunk; Groq reports it under `x_groq` as well or instead."""
    if type(tree) is not dict:
        return None
    usage = read_usage(tree.get("usage"))
    groq = tree.get("x_groq")
    if usage is None and type(groq) is dict:
        return read_usage(groq.get("usage"))
    return usage


class ChunkMeter:
    """Keeps the last batch of events that reports usage, and reads it when asked."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Look at a batch of whole events."""
        if b'"usage"' in events and _REPORT.search(events):
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(sse.split(self._batch)):
            usage = usage_of(sse.data_of(event) or b"")
            if usage is not None:
                return usage
        return None
