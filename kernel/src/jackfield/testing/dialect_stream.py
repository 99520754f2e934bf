"""Streams of the testing dialect: from events to facts and back."""

from collections.abc import Sequence
from typing import Any

import msgspec

from jackfield import sse
from jackfield.dialects import Loss
from jackfield.events import (
    Ended,
    Failed,
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from jackfield.messages import Usage


class ChatStreamParser:
    """Reads one fact an event."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical event of a fact."""
        fact = msgspec.json.decode(sse.data_of(event) or b"{}")
        if "model" in fact:
            return (Started("testing", fact["model"]),)
        if "text" in fact:
            return (TextDelta(0, fact["text"]),)
        if "finish" in fact:
            return (Finished(fact["finish"]),)
        if usage := read_usage(fact.get("usage")):
            return (UsageReported(usage),)
        if "error" in fact:
            return (Failed(fact["error"]["message"], code=fact["error"]["code"]),)
        return (Ended(),) if "end" in fact else ()

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is owed."""
        return ()


class ChatStreamRenderer:
    """Writes one fact an event; what is no text is left out."""

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
        return b""


class ChatStreamMeter:
    """Keeps the last event that tells the usage."""

    def __init__(self) -> None:
        self._last = b""

    def feed(self, events: bytes) -> None:
        """Look for the usage in a batch."""
        if b'"usage"' in events:
            self._last = next(event for event in sse.split(events) if b'"usage"' in event)

    def usage(self) -> Usage | None:
        """The usage seen last."""
        fact = msgspec.json.decode(sse.data_of(self._last) or b"{}")
        return read_usage(fact.get("usage"))


def read_usage(value: Any) -> Usage | None:
    """`{"input", "output"}` as a usage."""
    return Usage(value["input"], value["output"]) if value else None


def _event(fact: dict[str, Any]) -> bytes:
    return sse.encode(msgspec.json.encode(fact))
