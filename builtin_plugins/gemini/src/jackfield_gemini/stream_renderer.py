"""Renders a streamed answer, element by element."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from jackfield.dialects import Loss
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Usage

from .candidate_writer import CandidateWriter
from .failures import render_failed
from .fields import NAME, own
from .response import BLOCKED, head
from .usage import usage_losses, write_usage

_encode = msgspec.json.Encoder().encode


class EventWriter(Protocol):
    """Writes elements in one framing."""

    def event(self, data: bytes) -> bytes:
        """The next element."""

    def end(self) -> bytes:
        """The end of the stream."""


class GenerateStreamRenderer:
    """The renderer of one stream.

    Google reports the finish reason and the usage in the last element with content, where clients
    look for them: so that element is held back until the end. A call is sent when it is complete,
    because the API has no partial calls.
    """

    def __init__(self, request: ChatRequest, wire: EventWriter) -> None:
        self.losses: list[Loss] = []
        self._request = request
        self._wire = wire
        self._head: Mapping[str, Any] = {}
        self._tail = b"}"
        self._candidates: dict[int, CandidateWriter] = {}
        self._usage: Usage | None = None
        self._feedback: Any = None

    def render(self, event: StreamEvent) -> bytes:
        """The elements for one event; empty if it has none."""
        data: bytes = _WRITERS[type(event)](self, event)
        return data

    def _started(self, event: Started) -> bytes:
        model = event.model or self._request.model
        known = head(event.id, model, own_answer=NAME in event.extensions)
        self._head = {**known, **own(event.extensions)}
        self._tail = b"," + _encode(self._head)[1:] if self._head else b"}"
        return b""

    def _candidate(self, index: int) -> CandidateWriter:
        writer = self._candidates.get(index)
        if writer is None:
            writer = self._candidates[index] = CandidateWriter(index, self.losses)
        if not self._head:
            self._started(Started("", ""))
        return writer

    def _delta(self, event: Any) -> bytes:
        writer = self._candidate(event.choice)
        return b"".join([self._element(event.choice, part) for part in writer.add(event)])

    def _element(self, choice: int, part: Mapping[str, Any]) -> bytes:
        content = b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d}]%b'
        return self._wire.event(content % (_encode(part), choice, self._tail))

    def _finished(self, event: Finished) -> bytes:
        kept = own(event.extensions)
        if BLOCKED in kept:
            self._feedback = kept.get("promptFeedback")
            return b""
        writer = self._candidate(event.choice)
        parts = writer.finish(event)
        return b"".join([self._element(event.choice, part) for part in parts])

    def _reported(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _ended(self, event: Ended) -> bytes:
        if not self._candidates and self._feedback is None:
            self._candidate(0)
        last: dict[str, Any] = {}
        if self._candidates:
            last["candidates"] = [writer.last() for writer in self._candidates.values()]
        if self._feedback is not None:
            last["promptFeedback"] = self._feedback
        if self._usage is not None:
            last["usageMetadata"] = write_usage(self._usage)
            self.losses += usage_losses(self._usage)
        last = {**own(event.extensions), **last, **self._head}
        return self._wire.event(_encode(last)) + self._wire.end()

    def _failed(self, event: Failed) -> bytes:
        thoughts = [
            self._element(choice, part)
            for choice, writer in self._candidates.items()
            for part in writer.end_thought()
        ]
        return b"".join(thoughts) + self._wire.event(render_failed(event)) + self._wire.end()


_WRITERS: Mapping[type, Callable[[GenerateStreamRenderer, Any], bytes]] = {
    Started: GenerateStreamRenderer._started,
    TextDelta: GenerateStreamRenderer._delta,
    RefusalDelta: GenerateStreamRenderer._delta,
    ReasoningDelta: GenerateStreamRenderer._delta,
    ToolCallStarted: GenerateStreamRenderer._delta,
    ToolCallDelta: GenerateStreamRenderer._delta,
    AudioDelta: GenerateStreamRenderer._delta,
    CitationAdded: GenerateStreamRenderer._delta,
    PartAdded: GenerateStreamRenderer._delta,
    Finished: GenerateStreamRenderer._finished,
    UsageReported: GenerateStreamRenderer._reported,
    Ended: GenerateStreamRenderer._ended,
    Failed: GenerateStreamRenderer._failed,
}
