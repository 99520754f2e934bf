"""An answer as the events of a stream."""

from collections.abc import Iterator

from jackfield.events import (
    Ended,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatResponse, Part, Reasoning, Refusal, Text, ToolCall

from .tokens import tokens_of

DELTAS = (TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta)


def events_of(response: ChatResponse) -> Iterator[StreamEvent]:
    """The events that make up the response; one delta per token."""
    yield Started(response.id, response.model, response.created)
    for index, choice in enumerate(response.choices):
        for at, part in enumerate(choice.message.parts):
            yield from _part_events(part, at, index)
        yield Finished(choice.finish_reason, index)
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Ended()


def _part_events(part: Part, at: int, choice: int) -> Iterator[StreamEvent]:
    match part:
        case Text():
            yield from (TextDelta(at, token, choice) for token in tokens_of(part.text))
        case Refusal():
            yield from (RefusalDelta(at, token, choice) for token in tokens_of(part.text))
        case Reasoning():
            yield from (ReasoningDelta(at, token, choice) for token in tokens_of(part.text))
        case ToolCall():
            yield ToolCallStarted(at, part.id, part.name, choice, part.kind)
            yield from (ToolCallDelta(at, token, choice) for token in tokens_of(part.arguments))
        case _:
            raise TypeError(f"the demo never answers with {type(part).__name__}")
