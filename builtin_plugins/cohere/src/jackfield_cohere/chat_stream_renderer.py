"""Renders a streamed chat answer as Cohere's events."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from jackfield import sse
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
from jackfield.fields import own
from jackfield.messages import Image, Opaque, Usage
from jackfield.proofs import seal

from .chat_message_reader import PLAN
from .chat_parts import NAME
from .chat_response import new_id, write_finish
from .citations import write_citation
from .failures import render_failed
from .logprobs import write_logprobs
from .usage import write_usage

_encode = msgspec.json.Encoder().encode
DONE: Final = b"data: [DONE]\n\n"
_TEXT: Final = (
    b'event: content-delta\ndata: {"type":"content-delta","index":%d,'
    b'"delta":{"message":{"content":{"%b":%b}}}}\n\n'
)
_ARGUMENTS: Final = (
    b'event: tool-call-delta\ndata: {"type":"tool-call-delta","index":%d,'
    b'"delta":{"message":{"tool_calls":{"function":{"arguments":%b}}}}}\n\n'
)


def _event(kind: str, index: int | None = None, message: Mapping[str, Any] | None = None) -> bytes:
    wire: dict[str, Any] = {"type": kind}
    if index is not None:
        wire["index"] = index
    if message is not None:
        wire["delta"] = {"message": message}
    return sse.encode(_encode(wire), kind)


class ChatStreamRenderer:
    """The renderer of one stream: each block has a start and an end; usage is sent last."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._started = False
        self._blocks: dict[int, int] = {}
        self._texts: dict[int, list[str]] = {}
        self._open: int | None = None
        self._calls: dict[int, int] = {}
        self._open_call: int | None = None
        self._free: dict[int, str] = {}
        self._citations = 0
        self._finish: Finished | None = None
        self._usage: Usage | None = None

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one event; empty if it has none."""
        if getattr(event, "choice", 0) != 0:
            self._lose("n")
            return b""
        return _WRITERS[type(event)](self, event)

    def _begin(self, event: Started) -> bytes:
        self._started = True
        start = {
            "id": event.id or new_id(),
            "type": "message-start",
            "delta": {
                "message": {
                    "role": "assistant",
                    "content": [],
                    "tool_plan": "",
                    "tool_calls": [],
                    "citations": [],
                }
            },
        }
        return sse.encode(_encode(start), "message-start")

    def _block(self, part: int, kind: str) -> bytes:
        """The events needed before a delta of `part`; empty if its block is open."""
        if part == self._open:
            return b""
        before = self._begin(Started("", "")) if not self._started else b""
        before += self._close()
        self._open = part
        index = self._blocks[part] = len(self._blocks)
        return before + _event("content-start", index, {"content": {"type": kind, kind: ""}})

    def _close(self) -> bytes:
        ends = b""
        if self._open is not None:
            ends += _event("content-end", self._blocks[self._open])
            self._open = None
        if self._open_call is not None:
            ends += self._wrapped(self._open_call)
            ends += _event("tool-call-end", self._calls[self._open_call])
            self._open_call = None
        return ends

    def _text(self, event: TextDelta) -> bytes:
        before = self._block(event.part, "text")
        self._texts.setdefault(event.part, []).append(event.text)
        index = self._blocks[event.part]
        if event.logprobs is None:
            return before + _TEXT % (index, b"text", _encode(event.text))
        items = write_logprobs(event.logprobs)
        logprobs = own(event.extensions, NAME).get("logprobs") or (items[0] if items else None)
        wire = {
            "type": "content-delta",
            "index": index,
            "delta": {"message": {"content": {"text": event.text}}},
            "logprobs": logprobs,
        }
        return before + sse.encode(_encode(wire), "content-delta")

    def _refusal(self, event: RefusalDelta) -> bytes:
        self._lose("refusals", "approximated")
        return self._text(TextDelta(event.part, event.text))

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if PLAN in own(event.extensions, NAME):
            return self._plan(event.encrypted or "")
        proof = seal(event) if NAME not in event.extensions else None
        if not event.text and proof is None:
            return b""
        before = self._block(event.part, "thinking")
        index = self._blocks[event.part]
        if proof is None:
            return before + _TEXT % (index, b"thinking", _encode(event.text))
        content = {"thinking": event.text, "signature": proof}
        return before + _event("content-delta", index, {"content": content})

    def _plan(self, plan: str) -> bytes:
        before = self._begin(Started("", "")) if not self._started else b""
        return before + _event("tool-plan-delta", None, {"tool_plan": plan})

    def _call_started(self, event: ToolCallStarted) -> bytes:
        before = self._begin(Started("", "")) if not self._started else b""
        before += self._close()
        if event.kind == "custom":
            self._free[event.part] = ""
            self._lose("tools.custom", "approximated")
        index = self._calls[event.part] = len(self._calls)
        self._open_call = event.part
        function = {"name": event.name, "arguments": ""}
        call = {"id": event.id, "type": "function", "function": function}
        return before + _event("tool-call-start", index, {"tool_calls": call})

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        if event.part in self._free:
            self._free[event.part] += event.arguments
            return b""
        index = self._calls.get(event.part, 0)
        return _ARGUMENTS % (index, _encode(event.arguments))

    def _wrapped(self, part: int) -> bytes:
        """The arguments of a call that another dialect has as free text."""
        text = self._free.pop(part, None)
        if text is None:
            return b""
        return _ARGUMENTS % (self._calls[part], _encode(_encode({"input": text}).decode()))

    def _audio(self, event: AudioDelta) -> bytes:
        self._lose("audio", "approximated")
        return self._text(TextDelta(event.part, event.transcript)) if event.transcript else b""

    def _citation(self, event: CitationAdded) -> bytes:
        text = "".join(self._texts.get(event.part, ()))
        wire = write_citation(event.citation, text, self._blocks.get(event.part, 0))
        if wire is None:
            return b""
        return self._cited({"citations": wire})

    def _cited(self, message: Mapping[str, Any]) -> bytes:
        index, self._citations = self._citations, self._citations + 1
        return _event("citation-start", index, message) + _event("citation-end", index)

    def _part(self, event: PartAdded) -> bytes:
        value = event.value
        if not isinstance(value, Opaque) or value.dialect != NAME:
            kind = value.kind if isinstance(value, Opaque) else type(value).__name__.lower()
            self._lose("images.output" if isinstance(value, Image) else f"messages.{kind}")
            return b""
        if value.kind == "citation-start":
            return self._cited(value.value["delta"]["message"])
        if isinstance(value.value, dict) and "delta" in value.value:
            return sse.encode(_encode(value.value), value.kind)
        before = self._close()
        index = self._blocks[event.part] = len(self._blocks)
        self._open = event.part
        return before + _event("content-start", index, {"content": value.value})

    def _finished(self, event: Finished) -> bytes:
        self._finish = event
        return self._close()

    def _reported(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _ended(self, event: Ended) -> bytes:
        before = self._begin(Started("", "")) if not self._started else b""
        before += self._close()
        finish = self._finish or Finished("tool_calls" if self._calls else "stop")
        delta: dict[str, Any] = {
            "finish_reason": write_finish(finish.reason, finish.detail, self.losses)
        }
        if self._usage is not None:
            delta["usage"] = write_usage(self._usage)
        end = {"type": "message-end", **own(finish.extensions, NAME), "delta": delta}
        return before + sse.encode(_encode(end), "message-end") + DONE

    def _failed(self, event: Failed) -> bytes:
        return render_failed(event)

    def _lose(self, feature: str, how: Any = "dropped") -> None:
        if not any(loss.feature == feature for loss in self.losses):
            self.losses.append(Loss(feature, "choices", how))


_WRITERS: Final[Mapping[type, Callable[[ChatStreamRenderer, Any], bytes]]] = {
    Started: ChatStreamRenderer._begin,
    TextDelta: ChatStreamRenderer._text,
    RefusalDelta: ChatStreamRenderer._refusal,
    ReasoningDelta: ChatStreamRenderer._reasoning,
    ToolCallStarted: ChatStreamRenderer._call_started,
    ToolCallDelta: ChatStreamRenderer._call_delta,
    AudioDelta: ChatStreamRenderer._audio,
    CitationAdded: ChatStreamRenderer._citation,
    PartAdded: ChatStreamRenderer._part,
    Finished: ChatStreamRenderer._finished,
    UsageReported: ChatStreamRenderer._reported,
    Failed: ChatStreamRenderer._failed,
    Ended: ChatStreamRenderer._ended,
}
