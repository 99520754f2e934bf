"""The content of an answer, in terms that are the same for every dialect."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from attrs import fields, frozen

from jackfield.events import (
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatResponse, Reasoning, Text, ToolCall, Usage

COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)
"""The tokens of a usage that are compared."""


@frozen
class AnswerContent:
    """The content of an answer's first choice; None where it is unknown.

    `calls` are the names of the tools with their arguments as JSON values, `finish` is the
    vendor's finish reason, or the canonical one where that is the same. An empty usage is one that
    is not reported.
    """

    text: str | None = None
    reasoning: str | None = None
    calls: Sequence[tuple[str, Any]] | None = None
    finish: str | None = None
    usage: Usage | None = None

    def differences(self, found: "AnswerContent") -> Iterator[str]:
        """Where another reading of the same answer differs."""
        for name in (field.name for field in fields(AnswerContent)):
            wanted, read = getattr(self, name), getattr(found, name)
            if name == "usage" and wanted is not None:
                wanted, read = (
                    [tokens_of(one).get(n, 0) for n in COUNTS] for one in (wanted, read)
                )
            if wanted is not None and wanted != read:
                yield f"{name} {wanted!r:.400} is read as {read!r:.400}"


def tokens_of(usage: Usage | None) -> dict[str, int]:
    """The tokens of each class, in which there are any."""
    counts = {} if usage is None else msgspec.structs.asdict(usage)
    return {name: n for name, n in counts.items() if n and name.endswith("_tokens")}


def arguments_of(text: Any) -> Any:
    """The arguments of a call as their JSON value; text that is none stays text."""
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def content_of(response: ChatResponse) -> AnswerContent:
    """The content of a whole answer."""
    choice = response.choices[0]
    parts = choice.message.parts
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return AnswerContent(
        "".join(part.text for part in parts if isinstance(part, Text)),
        "".join(part.text for part in parts if isinstance(part, Reasoning)),
        [(call.name, arguments_of(call.arguments)) for call in calls],
        choice.finish_detail or choice.finish_reason,
        response.usage,
    )


def content_of_events(events: Iterable[StreamEvent]) -> AnswerContent:
    """The content of a stream."""
    first = [event for event in events if getattr(event, "choice", 0) == 0]
    finishes = [event.detail or event.reason for event in first if isinstance(event, Finished)]
    return AnswerContent(
        "".join(event.text for event in first if isinstance(event, TextDelta)),
        "".join(event.text for event in first if isinstance(event, ReasoningDelta)),
        list(_calls(first)),
        finishes[0] if finishes else None,
        last_usage(first),
    )


def last_usage(events: Iterable[StreamEvent]) -> Usage | None:
    """The usage that a stream reports; a later report replaces an earlier one."""
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    return reports[-1] if reports else None


def _calls(events: Sequence[StreamEvent]) -> Iterator[tuple[str, Any]]:
    for started in events:
        if isinstance(started, ToolCallStarted):
            deltas = (one for one in events if isinstance(one, ToolCallDelta))
            written = [one.arguments for one in deltas if one.part == started.part]
            yield started.name, arguments_of("".join(written))
