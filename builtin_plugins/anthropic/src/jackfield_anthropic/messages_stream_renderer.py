"""Renders canonical events as a Messages stream, one by one."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

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
from jackfield.messages import ChatRequest, Opaque, Reasoning, Refusal, Text, ToolCall, Usage

from .failures import failed_body
from .fields import NAME, own
from .messages_block_writer import lost_freedom
from .messages_citations import lost_span, write_citation
from .messages_response import lost_logprobs, new_message_id
from .messages_stop import lost_reason, write_stop_reason
from .messages_stream_blocks import BlockStream, CallStream, TextStream, ThoughtStream
from .messages_usage import write_usage

Encode = Callable[[str, bytes], bytes]
"""Makes a wire event from its name and its JSON."""

_encode = msgspec.json.Encoder().encode
_NO_USAGE: Mapping[str, Any] = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}
Kind = TypeVar("Kind", bound=BlockStream)


class MessagesRenderer:
    """Renders one stream, block by block as clients of Messages expect.

    If another part continues while the input of a call is incomplete, as with parallel calls, that
    part is held back until the input is complete.
    """

    def __init__(self, request: ChatRequest, encode: Encode) -> None:
        self.losses: list[Loss] = []
        self._request = request
        self._write = encode
        self._begun = False
        self._index = 0
        self._open: BlockStream | None = None
        self._waiting: list[StreamEvent] = []
        self._calls = False
        self._refused = False
        self._finished: Finished | None = None
        self._usage: Usage | None = None

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        if getattr(event, "choice", 0):
            self._lose(Loss("n", "choices", "dropped", "only the first answer is shown"))
            return b""
        if self._must_wait(event):
            self._waiting.append(event)
            return b""
        wire = self._HANDLERS[type(event)](self, event)
        if self._waiting and type(event) is ToolCallDelta and self._is_whole():
            wire += self._catch_up()
        return wire

    def _must_wait(self, event: StreamEvent) -> bool:
        part = getattr(event, "part", None)
        if part is None or self._open is None or part == self._open.part:
            return False
        return bool(self._waiting) or not self._is_whole()

    def _is_whole(self) -> bool:
        return self._open is None or self._open.is_whole()

    def _catch_up(self) -> bytes:
        """Everything held back, unless it must still wait."""
        waiting, self._waiting = self._waiting, []
        return b"".join([self.render(event) for event in waiting])

    def _drain(self) -> bytes:
        wire = b""
        while self._waiting:
            wire += self._close() + self._catch_up()
        return wire + self._close()

    def _start(self, event: Started) -> bytes:
        self._begun = True
        kept = own(event.extensions)
        message = {
            "id": event.id or new_message_id(),
            "type": "message",
            "role": "assistant",
            "model": event.model or self._request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _NO_USAGE,
            **{key: value for key, value in kept.items() if not key.startswith("$")},
        }
        return self._event("message_start", message=message)

    def _event(self, kind: str, **members: Any) -> bytes:
        return self._write(kind, _encode({"type": kind, **members}))

    def _close(self) -> bytes:
        block, self._open = self._open, None
        if block is None:
            return b""
        wire = block.close()
        self._index += block.begun
        return wire

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        if not event.text:
            return b""
        if isinstance(event, TextDelta) and event.logprobs is not None:
            for loss in lost_logprobs(event.logprobs):
                self._lose(loss)
        begun, block = self._block(TextStream, event.part)
        return begun + block.text(event.text)

    def _block(self, kind: type[Kind], part: int) -> tuple[bytes, Kind]:
        """The part's block: the open one, or a new one after ending the previous one."""
        if isinstance(self._open, kind) and self._open.part == part:
            return b"", self._open
        before = b"" if self._begun else self._start(Started("", ""))
        before += self._close()
        block = kind(self._write, self._index, part)
        self._open = block
        return before, block

    def _refusal(self, event: RefusalDelta) -> bytes:
        self._refused = True
        self._lose(Loss("refusals", "choices[0]", "approximated", "as text"))
        return self._text(event)

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        begun, block = self._block(ThoughtStream, event.part)
        return begun + block.think(event)

    def _call(self, event: ToolCallStarted) -> bytes:
        self._calls = True
        if event.kind == "custom":
            self._lose(lost_freedom("choices[0]"))
        begun, block = self._block(CallStream, event.part)
        return begun + block.call(event)

    def _arguments(self, event: ToolCallDelta) -> bytes:
        opened = self._open
        if not isinstance(opened, CallStream) or opened.part != event.part:
            return b""
        return opened.more(event.arguments)

    def _audio(self, event: AudioDelta) -> bytes:
        self._lose(Loss("audio", "choices[0]", "approximated", "as its transcript"))
        return self._text(TextDelta(event.part, event.transcript))

    def _citation(self, event: CitationAdded) -> bytes:
        citation = write_citation(event.citation)
        opened = isinstance(self._open, TextStream) and self._open.part == event.part
        if citation is None or not (opened or NAME in event.citation.extensions):
            self._lose(Loss("citations", "choices[0]", "dropped"))
            return b""
        for loss in lost_span((event.citation,), "choices[0]"):
            self._lose(loss)
        begun, block = self._block(TextStream, event.part)
        return begun + block.cite(citation)

    def _whole(self, event: PartAdded) -> bytes:
        part = event.value
        match part:
            case Opaque() if part.dialect == NAME:
                begun, block = self._block(BlockStream, event.part)
                return begun + block.whole(part.value) + self._close()
            case Text():
                return self._text(TextDelta(event.part, part.text))
            case Refusal():
                return self._refusal(RefusalDelta(event.part, part.text))
            case Reasoning():
                return self._reasoning(_delta_of(part, event.part))
            case ToolCall():
                started = ToolCallStarted(event.part, part.id, part.name, 0, part.kind)
                return self._call(started) + self._arguments(
                    ToolCallDelta(event.part, part.arguments)
                )
            case Opaque():
                self._lose(Loss(f"messages.{part.kind}", "choices[0]", "dropped"))
            case _:
                kind = type(part).__name__.lower()
                self._lose(Loss(f"messages.{kind}", "choices[0]", "dropped"))
        return b""

    def _finish(self, event: Finished) -> bytes:
        self._finished = event
        return self._drain()

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _fail(self, event: Failed) -> bytes:
        return self._write("error", failed_body(event))

    def _end(self, event: Ended) -> bytes:
        wire = self._drain() if self._begun else self._start(Started("", ""))
        ending = self._finished or Finished("tool_calls" if self._calls else "stop")
        kept = own(ending.extensions)
        is_own = NAME in ending.extensions
        word = write_stop_reason(ending.reason, ending.detail, refused=self._refused, is_own=is_own)
        self.losses += [] if is_own else lost_reason(ending.reason)
        members = {key: value for key, value in kept.items() if not key.startswith("$")}
        delta = {"stop_reason": word, "stop_sequence": None, **members}
        usage = _NO_USAGE if self._usage is None else write_usage(self._usage)
        wire += self._event("message_delta", delta=delta, usage=usage, **kept.get("$event", {}))
        return wire + self._event("message_stop")

    def _lose(self, loss: Loss) -> None:
        if not any(known.feature == loss.feature for known in self.losses):
            self.losses.append(loss)

    _HANDLERS: ClassVar[Mapping[type, Callable[[Any, Any], bytes]]] = {
        Started: _start,
        TextDelta: _text,
        RefusalDelta: _refusal,
        ReasoningDelta: _reasoning,
        ToolCallStarted: _call,
        ToolCallDelta: _arguments,
        AudioDelta: _audio,
        CitationAdded: _citation,
        PartAdded: _whole,
        Finished: _finish,
        UsageReported: _report,
        Failed: _fail,
        Ended: _end,
    }


def _delta_of(thought: Reasoning, part: int) -> ReasoningDelta:
    return ReasoningDelta(
        part,
        thought.text,
        id=thought.id,
        signature=thought.signature,
        encrypted=thought.encrypted,
        summary=thought.summary,
        extensions=thought.extensions,
    )
