"""Renders a streamed chat or generation as lines."""

from typing import Any, Final

import msgspec
from attrs import define, field

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
from jackfield.fields import carry, own
from jackfield.messages import ChatRequest, Extensions, Opaque, Part, ToolCall, Usage

from .failures import render_failed
from .finish import lost_reason, write_finish, write_logprobs
from .images import readable
from .message_writer import proof_losses, write_parts
from .moments import from_seconds, now
from .shapes import ChatShape
from .tools import write_call
from .usage import write_usage

_encode = msgspec.json.Encoder().encode
_BREAKS: Final = {mark.encode(): b"\\u%04x" % ord(mark) for mark in "\x85\u2028\u2029"}
"""Line breaks to Ollama's Python client, which cannot read a line that contains one.

Go's JSON encoder, which Ollama uses, escapes the last two.
"""


@define
class _OpenCall:
    """A call whose arguments are incomplete: Ollama sends each call in one piece."""

    id: str
    name: str
    kind: Any
    extensions: Extensions
    arguments: list[str] = field(factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments form a complete object."""
        try:
            return isinstance(msgspec.json.decode("".join(self.arguments)), dict)
        except (msgspec.DecodeError, RecursionError):
            return False

    def call(self) -> ToolCall:
        """The call as a part."""
        arguments = "".join(self.arguments)
        return ToolCall(self.id, self.name, arguments, self.kind, self.extensions)


class LineRenderer:
    """The renderer of one stream: a line per delta, and a last one with `done`."""

    def __init__(self, request: ChatRequest, shape: ChatShape) -> None:
        self.losses: list[Loss] = []
        self._shape = shape
        self._model = request.model
        self._moment = now()
        self._head = b""
        self._calls: dict[int, _OpenCall] = {}
        self._sent_calls = 0
        self._thought: int | None = None
        self._finish: Finished | None = None
        self._usage: Usage | None = None

    def render(self, event: StreamEvent) -> bytes:
        """The lines for one event; empty if it has none."""
        lines = self._render(event)
        if not lines.isascii():
            for mark, escaped in _BREAKS.items():
                lines = lines.replace(mark, escaped)
        return lines

    def _render(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta and event.logprobs is None and not event.choice:
            return self._text(event.text)
        if getattr(event, "choice", 0):
            self._lose(Loss("n", "choices", "dropped", "Ollama returns one answer"))
            return b""
        match event:
            case TextDelta() | ReasoningDelta():
                return self._words(event)
            case ToolCallStarted():
                return self._call_started(event)
            case Ended():
                return self._ended(event)
            case _:
                return self._other(event)

    def _other(self, event: StreamEvent) -> bytes:
        match event:
            case Started():
                self._model = event.model or self._model
                self._moment = from_seconds(event.created)
            case Finished():
                self._finish = event
                return self._send_calls(whole=False)
            case ToolCallDelta() if event.part in self._calls:
                self._calls[event.part].arguments.append(event.arguments)
            case UsageReported():
                self._usage = event.usage
            case RefusalDelta():
                self._lose(Loss("refusals", "choices[0]", "approximated", "as plain text"))
                return self._line({"content": event.text})
            case PartAdded():
                return self._part(event.value)
            case CitationAdded():
                self._lose(Loss("citations", "choices[0]", "dropped"))
            case AudioDelta():
                self._lose(Loss("audio", "choices[0]", "approximated", "its transcript"))
                return self._line({"content": event.transcript}) if event.transcript else b""
            case Failed():
                return render_failed(event)
        return b""

    def _text(self, text: str) -> bytes:
        if not self._head:
            values = (_encode(self._model), _encode(self._moment))
            self._head = b'{"model":%b,"created_at":%b' % values
        content = self._shape.text % _encode(text)
        return b'%b,%b,"done":false}\n' % (self._head, content)

    def _line(self, message: dict[str, Any], logprobs: Any = None) -> bytes:
        wire = {
            "model": self._model,
            "created_at": self._moment,
            **self._shape.put({"content": "", **message}),
            "done": False,
        }
        tokens = write_logprobs(logprobs)
        if tokens is not None:
            wire["logprobs"] = tokens
        return _encode(wire) + b"\n"

    def _words(self, event: TextDelta | ReasoningDelta) -> bytes:
        if isinstance(event, TextDelta):
            return self._line({"content": event.text}, event.logprobs)
        for loss in proof_losses(event.signature, event.encrypted, "choices[0]"):
            self._lose(loss)
        if not event.text:
            return b""
        text = event.text
        if self._thought not in (None, event.part):
            text = "\n\n" + text
        self._thought = event.part
        kept = own(event.extensions, self._shape.dialect)
        return self._line({"thinking": text}, kept.get("$logprobs"))

    def _call_started(self, event: ToolCallStarted) -> bytes:
        before = self._send_calls(whole=True)
        self._calls[event.part] = _OpenCall(event.id, event.name, event.kind, event.extensions)
        return before

    def _send_calls(self, *, whole: bool) -> bytes:
        """The lines of the pending calls: all, or only the complete ones with `whole`."""
        lines = []
        for part, waiting in list(self._calls.items()):
            if whole and not waiting.is_whole:
                continue
            del self._calls[part]
            lost: list[Loss] = []
            wire = write_call(waiting.call(), self._sent_calls, "choices[0]", lost)
            self._sent_calls += 1
            lines.append(self._line({"tool_calls": [wire]}))
            for loss in lost:
                self._lose(loss)
        return b"".join(lines)

    def _part(self, part: Part) -> bytes:
        lost: list[Loss] = []
        parts = readable((part,), self._shape.most_images, "choices[0]", lost)
        content = write_parts(parts, "choices[0]", lost)
        for loss in lost:
            self._lose(loss)
        if isinstance(part, Opaque) or not any(content.values()):
            return b""
        return self._line(content)

    def _ended(self, event: Ended) -> bytes:
        calls = self._send_calls(whole=False)
        finish = self._finish or Finished("tool_calls" if self._sent_calls else "stop")
        dialect = self._shape.dialect
        written = write_finish(finish.reason, own(finish.extensions, dialect))
        self.losses += lost_reason(finish.reason, written)
        wire = {
            "model": self._model,
            "created_at": self._moment,
            **self._shape.put({"content": ""}),
            "done": True,
            **written,
            **write_usage(self._usage),
        }
        return calls + _encode(carry(wire, event.extensions, dialect)) + b"\n"

    def _lose(self, loss: Loss) -> None:
        if not any(known.feature == loss.feature for known in self.losses):
            self.losses.append(loss)
