"""Parses the lines of a streamed chat or generation."""

from collections.abc import Sequence
from typing import Any

from jackfield.errors import ProviderError
from jackfield.events import (
    Ended,
    Finished,
    PartAdded,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.fields import Fields, json_object

from .failures import failed_event
from .finish import read_finish, read_logprobs
from .images import read_images
from .moments import to_seconds
from .shapes import ChatShape
from .tools import answer_id, read_calls
from .usage import take_usage

Events = list[StreamEvent]
_PLAIN = 2
"""The members of most messages: a role and content."""

_USUAL = frozenset(("role", "content", "thinking", "tool_calls", "images"))
_KNOWN_KEYS = frozenset(("model", "created_at", "done", "done_reason", "logprobs"))


class LineParser:
    """The parser of one stream."""

    def __init__(self, shape: ChatShape) -> None:
        self._shape = shape
        self._started = False
        self._ended = False
        self._parts = 0
        self._kind = ""
        self._calls = 0
        self._made_id = ""
        self._beside: dict[str, Any] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one line. Raises ProviderError unless it is a JSON object."""
        if self._ended or not event.strip():
            return ()
        try:
            line = json_object(event)
        except ValueError as error:
            raise ProviderError(f"The provider sent a line that cannot be read: {error}.") from None
        if "error" in line:
            self._ended = True
            return (failed_event(line),)
        out: Events = []
        if not self._started:
            out.append(self._start(line))
        message = self._shape.take(line)
        if message is not None:
            self._message(message, line, out)
        if line.get("done") is True:
            self._end(line, out)
        return out

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is pending: the last line completes the answer."""
        return ()

    def _start(self, line: dict[str, Any]) -> Started:
        self._started = True
        moment, model = line.get("created_at"), line.get("model")
        self._made_id = answer_id(moment, model)
        return Started("", model if isinstance(model, str) else "", to_seconds(moment))

    def _message(self, wire: dict[str, Any], line: dict[str, Any], out: Events) -> None:
        text = wire.get("content")
        if len(wire) == _PLAIN and type(text) is str and text and "logprobs" not in line:
            out.append(TextDelta(self._open("text"), text))
            return
        message = Fields(wire, strict=False)
        thinking, content = message.text("thinking"), message.text("content")
        logprobs = read_logprobs(line.get("logprobs"))
        if thinking is not None:
            note = {self._shape.dialect: {"$logprobs": logprobs}} if logprobs else {}
            out.append(ReasoningDelta(self._open("reasoning"), thinking, extensions=note))
        if content is not None:
            text_logprobs = None if thinking is not None else logprobs
            out.append(TextDelta(self._open("text"), content, logprobs=text_logprobs))
        out += [PartAdded(self._begin(), image) for image in read_images(message)]
        for call in read_calls(message, f"{self._made_id}_{self._calls}"):
            part = self._begin()
            self._calls += 1
            out.append(ToolCallStarted(part, call.id, call.name, extensions=call.extensions))
            out.append(ToolCallDelta(part, call.arguments))
        if message.rest:
            self._beside.update((k, v) for k, v in message.rest.items() if k not in _USUAL)

    def _end(self, line: dict[str, Any], out: Events) -> None:
        self._ended = True
        word = line.get("done_reason")
        reason = read_finish(word, called=self._calls > 0)
        note: dict[str, Any] = {} if reason == word else {"$done_reason": word}
        if self._beside:
            note["$beside"] = self._beside
        detail = word if isinstance(word, str) and word != reason else None
        extensions = {self._shape.dialect: note} if note else {}
        out.append(Finished(reason, detail=detail, extensions=extensions))
        usage = take_usage(line)
        if usage is not None:
            out.append(UsageReported(usage))
        rest = {key: value for key, value in line.items() if key not in _KNOWN_KEYS}
        out.append(Ended({self._shape.dialect: rest} if rest else {}))

    def _open(self, kind: str) -> int:
        if self._kind != kind:
            self._kind = kind
            self._parts += 1
        return self._parts - 1

    def _begin(self) -> int:
        """A part that later lines do not continue."""
        self._kind = ""
        self._parts += 1
        return self._parts - 1
