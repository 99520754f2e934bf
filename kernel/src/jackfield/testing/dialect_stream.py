"""Streams of the testing dialect: from events to facts and back."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.dialects import Loss
from jackfield.errors import ProviderError
from jackfield.events import (
    AudioDelta,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import Usage

from .dialect_wire import read_fact

_LOST: Final[dict[type, str]] = {
    ToolCallStarted: "messages.toolcall",
    ReasoningDelta: "messages.reasoning",
    RefusalDelta: "messages.refusal",
    AudioDelta: "audio",
    PartAdded: "messages.part",
}
"""What is lost with an event of this kind."""


class ChatStreamParser:
    """Reads one fact per event."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical event of a fact."""
        fact = read_fact(sse.data_of(event))
        if fact.model is not None:
            return (Started("testing", fact.model),)
        if fact.text is not None:
            return (TextDelta(0, fact.text),)
        if fact.finish is not None:
            return (Finished(fact.finish),)
        if fact.usage is not None:
            return (UsageReported(fact.usage.usage()),)
        if fact.error is not None:
            return (Failed(fact.error.message, code=fact.error.code),)
        return (Ended(),) if fact.end else ()

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is owed."""
        return ()


class ChatStreamRenderer:
    """Writes one fact per event; anything but text is lost."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event."""
        match event:
            case Started(model=model):
                return _event({"model": model})
            case TextDelta(text=text):
                return _event({"text": text})
            case Finished(reason=reason):
                return _event({"finish": reason})
            case UsageReported(usage=usage):
                counted = {"input": usage.input_tokens, "output": usage.output_tokens}
                return _event({"usage": counted})
            case Ended():
                return _event({"end": True})
            case ToolCallStarted() | ReasoningDelta() | RefusalDelta() | AudioDelta() | PartAdded():
                self._lose(_LOST[type(event)])
        return b""

    def _lose(self, feature: str) -> None:
        loss = Loss(feature, "choices[0]", "dropped")
        if loss not in self.losses:
            self.losses.append(loss)


class ChatStreamMeter:
    """Keeps the last event with usage."""

    def __init__(self) -> None:
        self._last = b""

    def feed(self, events: bytes) -> None:
        """Look for the usage in a batch."""
        if b'"usage"' in events:
            self._last = next(event for event in sse.split(events) if b'"usage"' in event)

    def usage(self) -> Usage | None:
        """The usage seen last."""
        try:
            fact = read_fact(sse.data_of(self._last))
        except ProviderError:
            return None
        return fact.usage.usage() if fact.usage else None


def _event(fact: dict[str, Any]) -> bytes:
    return sse.encode(msgspec.json.encode(fact))
