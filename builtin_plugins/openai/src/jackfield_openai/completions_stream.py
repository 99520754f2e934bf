"""Reads and writes the chunks of a streamed completion."""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

import msgspec

from jackfield import sse
from jackfield.dialects import Loss
from jackfield.errors import ProviderError
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
from jackfield.fields import own
from jackfield.losses import lost_part
from jackfield.messages import ChatRequest, Usage

from .chat_chunks import DONE
from .chat_response import finish_detail, now, read_finish, write_finish
from .chat_stream import decode_chunk
from .failures import error_in, failed_event, render_failed
from .usage import chunk_usage, write_usage

NAME = "openai.completions"
_encode = msgspec.json.Encoder().encode
_LOST: Mapping[type, str] = {
    AudioDelta: "audio",
    CitationAdded: "citations",
    ReasoningDelta: "messages.reasoning",
    RefusalDelta: "messages.refusal",
    ToolCallDelta: "messages.toolcall",
    ToolCallStarted: "messages.toolcall",
}
"""The losses of events that a completion has no place for."""

_KNOWN = frozenset(("text", "index", "finish_reason", "logprobs"))


def new_id() -> str:
    """An id for an answer without one."""
    return f"cmpl-{token_hex(12)}"


class CompletionsParser:
    """The parser of one stream."""

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._finished: set[int] = set()

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = sse.data_of(event)
        if not data or self._ended:
            return ()
        if data.strip() == b"[DONE]":
            self._ended = True
            return (Ended(),)
        chunk = decode_chunk(data)
        failure = chunk if event.startswith(b"event: error") else error_in(chunk)
        if failure is not None:
            self._ended = True
            return (failed_event(failure),)
        return self._chunk(chunk)

    def close(self) -> Sequence[StreamEvent]:
        """The end of a stream that finished without a marker."""
        if self._ended or not self._finished:
            return ()
        self._ended = True
        return (Ended(),)

    def _chunk(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        choices = chunk.get("choices") or []
        if not isinstance(choices, list):
            raise ProviderError("The provider sent a chunk whose 'choices' are no array.")
        if choices and not self._started:
            self._started = True
            created = chunk.get("created")
            created = created if isinstance(created, int) else None
            out.append(Started(str(chunk.get("id") or ""), str(chunk.get("model") or ""), created))
        for wire in choices:
            if not isinstance(wire, dict):
                raise ProviderError("The provider sent a choice that is not a JSON object.")
            self._choice(wire, out)
        usage = chunk_usage(chunk)
        if usage is not None:
            out.append(UsageReported(usage))
        return out

    def _choice(self, wire: dict[str, Any], out: list[StreamEvent]) -> None:
        text, index, word = wire.get("text"), wire.get("index"), wire.get("finish_reason")
        choice = index if isinstance(index, int) else 0
        if isinstance(text, str) and text:
            out.append(TextDelta(0, text, choice, wire.get("logprobs")))
        if not word or choice in self._finished:
            return
        self._finished.add(choice)
        reason = read_finish(word, False)
        note = {} if reason == word else {"$finish_reason": word}
        kept = {k: v for k, v in wire.items() if k not in _KNOWN and v is not None} | note
        detail = finish_detail(word, reason)
        out.append(Finished(reason, choice, detail, {NAME: kept} if kept else {}))


class CompletionsRenderer:
    """The renderer of one stream: texts, one finish for each choice, `[DONE]` last."""

    def __init__(self, request: ChatRequest) -> None:
        self.losses: list[Loss] = []
        self._request = request
        self._usage: Usage | None = None
        self._open: dict[int, bool] = {}
        self._head = b""
        self._tail = b'],"usage":null}\n\n' if request.include_usage else b"]}\n\n"

    def render(self, event: StreamEvent) -> bytes:
        """The chunk for one event; empty if it has none."""
        match event:
            case TextDelta():
                return self._text(event)
            case Started():
                self._start(event)
            case Finished():
                return self._finish(event)
            case UsageReported():
                self._usage = event.usage
            case Ended():
                return self._end()
            case Failed():
                return render_failed(event)
            case PartAdded():
                self._lose(lost_part(event.value, "choices", "assistant").feature)
            case _:
                self._lose(_LOST[type(event)])
        return b""

    def _start(self, event: Started) -> None:
        head = {
            "id": event.id or new_id(),
            "object": "text_completion",
            "created": now() if event.created is None else event.created,
            "model": event.model or self._request.model,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['

    def _chunk(self, choice: int, text: str, logprobs: Any, end: dict[str, Any]) -> bytes:
        if not self._head:
            self._start(Started("", ""))
        self._open.setdefault(choice, True)
        wire = {"text": text, "index": choice, "logprobs": logprobs, **end}
        return self._head + _encode(wire) + self._tail

    def _text(self, event: TextDelta) -> bytes:
        logprobs = event.logprobs
        if isinstance(logprobs, dict) and "content" in logprobs:
            if logprobs["content"]:
                self._lose("logprobs")
            logprobs = None
        return self._chunk(event.choice, event.text, logprobs, {"finish_reason": None})

    def _finish(self, event: Finished) -> bytes:
        if self._open.get(event.choice) is False:
            return b""
        kept = own(event.extensions, NAME)
        word = write_finish(event.reason, kept.get("$finish_reason")) or "stop"
        extra = {key: value for key, value in kept.items() if not key.startswith("$")}
        chunk = self._chunk(event.choice, "", None, {"finish_reason": word, **extra})
        self._open[event.choice] = False
        return chunk

    def _end(self) -> bytes:
        still_open = [choice for choice, is_open in (self._open or {0: True}).items() if is_open]
        out = [self._finish(Finished("stop", choice)) for choice in still_open]
        if self._request.include_usage and self._usage is not None:
            out.append(b'%b],"usage":%b}\n\n' % (self._head, _encode(write_usage(self._usage))))
        return b"".join(out) + DONE

    def _lose(self, feature: str) -> None:
        if not any(loss.feature == feature for loss in self.losses):
            self.losses.append(Loss(feature, "choices", "dropped"))
