"""Streams of models that answer with one text: pieces, and a chunk with the finish reason."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Loss
from jackfield.events import (
    Ended,
    Failed,
    Finished,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from jackfield.messages import Usage

from .converse_stream_parser import decode_payload
from .event_stream import decode, encode_event
from .event_stream_framing import unwrap, wrap
from .failures import failed_event, render_failed
from .prompts import feature_in

_PATH: Final = "choices[0]"


class TextStreamParser(ABC):
    """The parser of one stream. `text` is the member of a chunk with a piece of text."""

    text: ClassVar[str]

    def __init__(self) -> None:
        self._started = False
        self._over = False

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        message = decode(event)
        if self._over:
            return ()
        if message.is_error:
            self._over = True
            return (failed_event(message),)
        chunk = decode_payload(unwrap(message.payload) or b"")
        out: list[StreamEvent] = [] if self._started else [Started("", "")]
        self._started = True
        text = chunk.get(self.text)
        if isinstance(text, str) and text:
            out.append(TextDelta(0, text))
        finished = self.finished(chunk)
        if finished is not None:
            self._over = True
            usage = self.usage(chunk)
            out += [finished, *([UsageReported(usage)] if usage is not None else []), Ended()]
        return out

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is pending: the last chunk completes the answer."""
        return ()

    @abstractmethod
    def finished(self, chunk: Mapping[str, Any]) -> Finished | None:
        """The finish reason, if this is the last chunk."""

    @abstractmethod
    def usage(self, chunk: Mapping[str, Any]) -> Usage | None:
        """The usage reported by the last chunk."""


class TextStreamRenderer(ABC):
    """The renderer of one stream."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._finished = Finished("stop")
        self._usage = Usage()

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        match event:
            case TextDelta(choice=0) | RefusalDelta(choice=0):
                if isinstance(event, RefusalDelta):
                    self._lose(Loss("refusals", _PATH, "approximated", "as text"))
                return _encoded(self.piece(event.text))
            case Finished(choice=0):
                self._finished = event
            case UsageReported():
                self._usage = event.usage
            case Ended():
                return _encoded(self.last(self._finished, self._usage))
            case Failed():
                return render_failed(event)
            case Started():
                pass
            case _:
                self._lose(Loss(feature_in(event), _PATH, "dropped"))
        return b""

    @abstractmethod
    def piece(self, text: str) -> Mapping[str, Any]:
        """The chunk for a piece of text."""

    @abstractmethod
    def last(self, finished: Finished, usage: Usage) -> Mapping[str, Any]:
        """The last chunk."""

    def _lose(self, loss: Loss) -> None:
        if loss not in self.losses:
            self.losses.append(loss)


def _encoded(chunk: Mapping[str, Any]) -> bytes:
    return encode_event("chunk", wrap(msgspec.json.encode(chunk)))
