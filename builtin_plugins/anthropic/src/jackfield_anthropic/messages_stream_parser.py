"""Parses a Messages stream into canonical events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    CitationAdded,
    Ended,
    Failed,
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
from jackfield.fields import Fields
from jackfield.framing import Framing
from jackfield.messages import Citation, Opaque

from .failures import failed_event
from .fields import NAME, UNREADABLE
from .messages_blocks import read_call
from .messages_citations import read_citation, read_citations
from .messages_reasoning import read_redacted, read_thinking
from .messages_response import OF_CHOICE
from .messages_stop import read_stop_reason, reason_note
from .messages_usage import merged_usage, read_usage

Events = Sequence[StreamEvent]
_NOTHING: tuple[StreamEvent, ...] = ()
_OWN: Mapping[str, Mapping[str, Any]] = {NAME: {}}
_GIVEN: Final = -1
"""The index of a block that comes with the start of its message."""

_KNOWN_MEMBERS = frozenset({"id", "type", "role", "model", "content", "stop_reason", *OF_CHOICE})


_MALFORMED: Final = (*UNREADABLE, AttributeError, InvalidRequest, KeyError, TypeError, ValueError)


class _Wire(msgspec.Struct):
    """An event. Its members are untyped, because future events may contain anything."""

    type: str = ""
    index: Any = 0
    delta: Any = msgspec.field(default_factory=dict)
    content_block: Any = None
    message: Any = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Wire).decode
_decode_value = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Block:
    """An open content block: its part number, its kind, and its content so far."""

    __slots__ = ("cited", "input", "kind", "part", "wire")

    def fields(self) -> Fields:
        """The members of the block besides its type."""
        members = {key: value for key, value in self.wire.items() if key != "type"}
        return Fields(members, "content_block", strict=False)

    def __init__(self, part: int, wire: dict[str, Any]) -> None:
        self.part = part
        self.kind = str(wire.get("type"))
        self.wire = wire
        self.input: list[str] = []
        self.cited: list[Citation] = []

    def merge(self, delta: Mapping[str, Any]) -> Events:
        """Add a delta to a block of a kind that is reported when it is complete."""
        for key, value in delta.items():
            if key != "type":
                before = self.wire.get(key)
                both = isinstance(before, str) and isinstance(value, str)
                self.wire[key] = before + value if both else value
        return _NOTHING


class MessagesParser:
    """Parses one stream."""

    def __init__(self, framing: Framing) -> None:
        self._data_of = framing.data_of
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._usage: Any = None
        self._calls = False
        self._given_stop: str | None = None
        self._over = False

    def feed(self, event: bytes) -> Events:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = self._data_of(event)
        if data is None or self._over:
            return _NOTHING
        try:
            wire = _decode(data)
            handler = self._HANDLERS.get(wire.type)
            if handler is not None:
                return handler(self, wire, data)
        except _MALFORMED as error:
            # Any deviation from the documented shape surfaces here.
            raise ProviderError("The provider sent a stream event that is malformed.") from error
        return self._failed(wire, data) if wire.error else _NOTHING

    def close(self) -> Events:
        """Nothing is pending: the stream's own events are complete."""
        return _NOTHING

    def _started(self, wire: _Wire, data: bytes) -> Events:
        message = wire.message or {}
        self._usage = message.get("usage")
        extra = {key: value for key, value in message.items() if key not in _KNOWN_MEMBERS}
        started = Started(
            str(message.get("id") or ""), str(message.get("model") or ""), None, {NAME: extra}
        )
        usage = read_usage(self._usage)
        events = (started,) if usage is None else (started, UsageReported(usage))
        content = message.get("content")
        return (*events, *self._begun(content, message.get("stop_reason"))) if content else events

    def _begun(self, content: Sequence[Any], word: Any) -> Events:
        """A message that begins with content, as when a program goes on after its call.

        It may end without another word of why.
        """
        events: list[StreamEvent] = []
        for block in content:
            whole = _Wire(index=_GIVEN, content_block=block)
            events += (*self._block_started(whole, b""), *self._block_stopped(whole, b""))
        self._given_stop = word if isinstance(word, str) else None
        return events

    def _block_started(self, wire: _Wire, data: bytes) -> Events:
        if wire.content_block is None:
            raise TypeError("a block begins that is none")
        block = self._blocks[wire.index] = _Block(self._parts, wire.content_block)
        self._parts += 1
        opener = self._OPENERS.get(block.kind)
        return opener(self, block) if opener else _NOTHING

    def _open_text(self, block: _Block) -> Events:
        fields = block.fields()
        block.cited += read_citations(fields)
        text = fields.text("text")
        return (TextDelta(block.part, text),) if text else _NOTHING

    def _open_thinking(self, block: _Block) -> Events:
        fields = block.fields()
        fields.rest.setdefault("thinking", "")
        thought = read_thinking(fields)
        if not (thought.text or thought.signature):
            return _NOTHING
        return (
            ReasoningDelta(block.part, thought.text, signature=thought.signature, extensions=_OWN),
        )

    def _open_redacted(self, block: _Block) -> Events:
        thought = read_redacted(block.fields())
        return (
            ReasoningDelta(block.part, encrypted=thought.encrypted, extensions=thought.extensions),
        )

    def _open_call(self, block: _Block) -> Events:
        self._calls = True
        call = read_call(block.fields())
        return (ToolCallStarted(block.part, call.id, call.name, extensions=call.extensions),)

    def _delta(self, wire: _Wire, data: bytes) -> Events:
        block, delta = self._blocks[wire.index], wire.delta
        kind = delta.get("type")
        if block.kind not in self._OPENERS and kind != "input_json_delta":
            kind = None  # reported when complete, whatever it streams
        if kind == "text_delta":
            text = _text(delta["text"])
            return (TextDelta(block.part, text),) if text else _NOTHING
        if kind == "input_json_delta":
            return self._input(block, _text(delta["partial_json"]))
        if kind == "thinking_delta":
            thought = _text(delta["thinking"])
            return (ReasoningDelta(block.part, thought, extensions=_OWN),) if thought else _NOTHING
        if kind == "signature_delta":
            signature = _text(delta["signature"])
            return (ReasoningDelta(block.part, signature=signature, extensions=_OWN),)
        if kind == "citations_delta" and isinstance(delta["citation"], dict):
            block.cited.append(read_citation(delta["citation"]))
            return _NOTHING
        return block.merge(delta)

    def _input(self, block: _Block, text: str) -> Events:
        if not text:
            return _NOTHING
        block.input.append(text)
        return (ToolCallDelta(block.part, text),) if block.kind == "tool_use" else _NOTHING

    def _block_stopped(self, wire: _Wire, data: bytes) -> Events:
        block = self._blocks.pop(wire.index)
        if block.kind == "tool_use":
            # Some compatible APIs send the complete input when the block begins.
            given = block.wire.get("input")
            if block.input or not given:
                return _NOTHING
            return (ToolCallDelta(block.part, _encode(given).decode()),)
        if block.kind in self._OPENERS:
            # Anthropic cites before the text; the cited span is known when the text is complete.
            return [CitationAdded(block.part, citation) for citation in block.cited]
        if block.input:
            block.wire["input"] = _decode_value("".join(block.input))
        return (PartAdded(block.part, Opaque(NAME, block.kind, block.wire)),)

    def _finished(self, wire: _Wire, data: bytes) -> Events:
        self._usage = merged_usage(self._usage, wire.usage)
        events: list[StreamEvent] = []
        word = wire.delta.get("stop_reason")
        if isinstance(word, str):
            self._given_stop = None
            extra = {key: value for key, value in wire.delta.items() if key != "stop_reason"}
            extra |= reason_note(word)
            beside = _decode_value(data)
            outer = {k: v for k, v in beside.items() if k not in ("type", "delta", "usage")}
            if outer:
                extra["$event"] = outer
            reason = read_stop_reason(word, calls=self._calls)
            events.append(Finished(reason, 0, word, {NAME: extra}))
        usage = read_usage(self._usage)
        if usage is not None:
            events.append(UsageReported(usage))
        return events

    def _ended(self, wire: _Wire, data: bytes) -> Events:
        self._over = True
        word = self._given_stop
        if word is None:
            return (Ended(),)
        return (Finished(read_stop_reason(word, calls=self._calls), 0, word, {NAME: {}}), Ended())

    def _failed(self, wire: _Wire, data: bytes) -> tuple[Failed, ...]:
        self._over = True
        return (failed_event(wire.error),)

    _HANDLERS: ClassVar[Mapping[str, Callable[[Any, _Wire, bytes], Events]]] = {
        "content_block_delta": _delta,
        "content_block_start": _block_started,
        "content_block_stop": _block_stopped,
        "message_start": _started,
        "message_delta": _finished,
        "message_stop": _ended,
        "error": _failed,
    }
    _OPENERS: ClassVar[Mapping[str, Callable[[Any, _Block], Events]]] = {
        "text": _open_text,
        "thinking": _open_thinking,
        "redacted_thinking": _open_redacted,
        "tool_use": _open_call,
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a delta is no text")
    return value
