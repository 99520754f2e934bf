"""Reads and writes the chunks of a streamed answer of Cohere's Command models."""

from collections.abc import Sequence
from typing import Any, Final

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

from .command_finish import read_finish, write_finish
from .converse_stream_parser import decode_payload
from .event_stream import decode, encode_event
from .event_stream_framing import unwrap, wrap
from .failures import failed_event, render_failed
from .invoke_usage import usage_of_any
from .prompts import feature_in

_PATH: Final = "choices[0]"


class CommandStreamParser:
    """The parser of one stream: pieces of text, and a last chunk that says why it ends."""

    def __init__(self) -> None:
        self._started = False
        self._over = False

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for one that is none."""
        message = decode(event)
        if self._over:
            return ()
        if message.is_error:
            self._over = True
            return (failed_event(message),)
        chunk = decode_payload(unwrap(message.payload) or b"")
        out: list[StreamEvent] = [] if self._started else [Started("", "")]
        self._started = True
        text = chunk.get("text")
        if isinstance(text, str) and text:
            out.append(TextDelta(0, text))
        if chunk.get("is_finished") is True:
            out += self._end(chunk)
        return out

    def _end(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        self._over = True
        word = chunk.get("finish_reason")
        word = word if isinstance(word, str) else None
        usage = usage_of_any(chunk)
        reported = [UsageReported(usage)] if usage is not None else []
        return [Finished(read_finish(word), detail=word), *reported, Ended()]

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is owed: the last chunk has said it all."""
        return ()


class CommandStreamRenderer:
    """The renderer of one stream."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._finished = Finished("stop")
        self._usage = Usage()

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty when it has none."""
        match event:
            case TextDelta(choice=0) | RefusalDelta(choice=0):
                if isinstance(event, RefusalDelta):
                    self._lose(Loss("refusals", _PATH, "approximated", "as text"))
                return _chunk("text-generation", text=event.text, is_finished=False)
            case Finished(choice=0):
                self._finished = event
            case UsageReported():
                self._usage = event.usage
            case Ended():
                return self._end()
            case Failed():
                return render_failed(event)
            case Started():
                pass
            case _:
                self._lose(Loss(feature_in(event), _PATH, "dropped"))
        return b""

    def _end(self) -> bytes:
        metrics = {
            "inputTokenCount": self._usage.input_tokens,
            "outputTokenCount": self._usage.output_tokens,
        }
        word = write_finish(self._finished.reason, self._finished.detail)
        said = {"finish_reason": word, "amazon-bedrock-invocationMetrics": metrics}
        return _chunk("stream-end", is_finished=True, **said)

    def _lose(self, loss: Loss) -> None:
        if loss not in self.losses:
            self.losses.append(loss)


def _chunk(kind: str, **members: Any) -> bytes:
    return encode_event("chunk", wrap(msgspec.json.encode({"event_type": kind, **members})))
