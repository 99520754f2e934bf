"""Reads and writes the chunks of a streamed answer of Titan."""

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

from .converse_stream_parser import decode_payload
from .event_stream import decode, encode_event
from .event_stream_framing import unwrap, wrap
from .failures import failed_event, render_failed
from .prompts import feature_in
from .titan_finish import read_finish, write_finish
from .usage import count_of

_PATH: Final = "choices[0]"
_METRICS: Final = "amazon-bedrock-invocationMetrics"


def is_last(data: bytes) -> bool:
    """Whether a chunk ends the answer: the last one counts its tokens."""
    if b"totalOutputTextTokenCount" not in data:
        return False
    return decode_payload(data).get("totalOutputTextTokenCount") is not None


class TitanStreamParser:
    """The parser of one stream: each chunk holds a piece of text, the last one the counts."""

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
        out: list[StreamEvent] = []
        if not self._started:
            self._started = True
            out.append(Started("", ""))
        text = chunk.get("outputText")
        if isinstance(text, str) and text:
            out.append(TextDelta(0, text))
        if chunk.get("totalOutputTextTokenCount") is not None:
            out += self._end(chunk)
        return out

    def _end(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        self._over = True
        word = chunk.get("completionReason")
        word = word if isinstance(word, str) else None
        blocked = chunk.get("amazon-bedrock-guardrailAction") == "INTERVENED"
        reason = read_finish(word) or ("content_filter" if blocked else "stop")
        finished = Finished(reason, detail=word)
        usage = usage_of_chunk(chunk)
        reported = [UsageReported(usage)] if usage is not None else []
        return [finished, *reported, Ended()]

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is owed: the last chunk has said it all."""
        return ()


def usage_of_chunk(value: Any) -> Usage | None:
    """The usage that the last chunk reports."""
    if not isinstance(value, dict) or value.get("totalOutputTextTokenCount") is None:
        return None
    metrics = value.get(_METRICS)
    if isinstance(metrics, dict):
        given, made = count_of(metrics, "inputTokenCount"), count_of(metrics, "outputTokenCount")
        return Usage(given, made)
    return Usage(
        count_of(value, "inputTextTokenCount"), count_of(value, "totalOutputTextTokenCount")
    )


class TitanStreamRenderer:
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
                return _chunk({"outputText": event.text, "index": 0})
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
        given, made = self._usage.input_tokens, self._usage.output_tokens
        return _chunk(
            {
                "outputText": "",
                "index": 0,
                "totalOutputTextTokenCount": made,
                "completionReason": write_finish(self._finished.reason, self._finished.detail),
                "inputTextTokenCount": given,
                _METRICS: {"inputTokenCount": given, "outputTokenCount": made},
            }
        )

    def _lose(self, loss: Loss) -> None:
        if loss not in self.losses:
            self.losses.append(loss)


def _chunk(value: dict[str, Any]) -> bytes:
    return encode_event("chunk", wrap(msgspec.json.encode(value)))
