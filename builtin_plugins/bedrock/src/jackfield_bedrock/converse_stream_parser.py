"""Parses the events of a Converse stream."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from attrs import define, field

from jackfield.errors import ProviderError
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
from jackfield.messages import Image, Opaque

from .converse_citations import read_citation
from .converse_members import at
from .converse_names import NAME, OWN
from .converse_response import read_finish
from .event_stream import BrokenMessage, decode
from .failures import failed_event
from .usage import read_usage

Events = list[StreamEvent]
Wire = Mapping[str, Any]
_decode = msgspec.json.Decoder().decode
_PADDING = "p"
"""The member that hides the length of a token."""


def decode_payload(payload: bytes) -> dict[str, Any]:
    """The object of one event. Raises ProviderError if it is malformed."""
    try:
        value = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderError("The provider sent a stream event that is not JSON.") from error
    if not isinstance(value, dict):
        raise ProviderError("The provider sent a stream event that is not a JSON object.")
    return value


@define
class _Block:
    """An open block; `start` is kept for blocks reported only at their end."""

    part: int
    start: Wire | None = None
    deltas: list[Any] = field(factory=list)


class ConverseStreamParser:
    """The parser of one stream."""

    def __init__(self) -> None:
        self._parts = 0
        self._blocks: dict[int, _Block] = {}
        self._has_calls = False
        self._over = False

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        try:
            message = decode(event)
        except BrokenMessage as error:
            raise ProviderError(f"The provider's event stream is broken: {error}.") from error
        if self._over:
            return ()
        if message.is_error:
            self._over = True
            return (failed_event(message),)
        return self.read(message.kind, decode_payload(message.payload))

    def read(self, kind: str, wire: Wire) -> Events:
        """The canonical events for one event; unknown kinds have none."""
        reader = self._READERS.get(kind)
        out: Events = []
        if reader is not None and not self._over:
            reader(self, wire, out)
        return out

    def fail(self, failed: Failed) -> Events:
        """Handle the abort of the stream."""
        self._over = True
        return [failed]

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is pending: the last event completes the answer."""
        return ()

    def _start(self, wire: Wire, out: Events) -> None:
        out.append(Started("", ""))

    def _block_start(self, wire: Wire, out: Events) -> None:
        start = _object(wire, "start")
        block = self._open(_index(wire))
        call = start.get("toolUse")
        if not isinstance(call, dict) or call.get("type") == "server_tool_use":
            block.start = start
            return
        self._has_calls = True
        rest = {k: v for k, v in call.items() if k not in ("toolUseId", "name", _PADDING)}
        out.append(
            ToolCallStarted(
                block.part,
                str(call.get("toolUseId") or f"tooluse_{block.part}"),
                str(call.get("name") or ""),
                extensions={NAME: rest},
            )
        )

    def _open(self, index: int) -> _Block:
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = _Block(self._parts)
            self._parts += 1
        return block

    def _delta(self, wire: Wire, out: Events) -> None:
        delta = _object(wire, "delta")
        block = self._open(_index(wire))
        if block.start is not None:
            block.deltas.append(delta)
            return
        part, text = block.part, delta.get("text")
        if isinstance(text, str):
            out.append(TextDelta(part, text))
        elif isinstance(call := delta.get("toolUse"), dict):
            out.append(ToolCallDelta(part, str(call.get("input") or "")))
        elif isinstance(thought := delta.get("reasoningContent"), dict):
            self._thought(part, thought, out)
        elif isinstance(citation := delta.get("citation"), dict):
            out.append(CitationAdded(part, read_citation(citation)))
        else:
            block.deltas.append(delta)

    def _thought(self, part: int, wire: Wire, out: Events) -> None:
        known: dict[str, Any] = {
            "text": wire.get("text") or "",
            "signature": wire.get("signature"),
            "encrypted": wire.get("redactedContent"),
        }
        if not all(value is None or isinstance(value, str) for value in known.values()):
            raise ProviderError("The provider sent a thought that is not text.")
        out.append(ReasoningDelta(part, extensions=OWN, **known))

    def _block_stop(self, wire: Wire, out: Events) -> None:
        block = self._blocks.pop(_index(wire), None)
        if block is not None and (block.start is not None or block.deltas):
            out.append(PartAdded(block.part, _whole(block)))

    def _stop(self, wire: Wire, out: Events) -> None:
        word = wire.get("stopReason")
        rest = {k: v for k, v in wire.items() if k not in ("stopReason", _PADDING)}
        reason = read_finish(word, self._has_calls) or "stop"
        detail = word if isinstance(word, str) else None
        out.append(Finished(reason, detail=detail, extensions={NAME: rest} if rest else {}))

    def _metadata(self, wire: Wire, out: Events) -> None:
        usage = read_usage(wire.get("usage"))
        if usage is not None:
            out.append(UsageReported(usage))
        rest = {k: v for k, v in wire.items() if k not in ("usage", _PADDING)}
        self._over = True
        out.append(Ended({NAME: rest} if rest else {}))

    _READERS: ClassVar[Mapping[str, Callable[["ConverseStreamParser", Wire, Events], None]]] = {
        "messageStart": _start,
        "contentBlockStart": _block_start,
        "contentBlockDelta": _delta,
        "contentBlockStop": _block_stop,
        "messageStop": _stop,
        "metadata": _metadata,
    }


def _object(wire: Wire, key: str) -> dict[str, Any]:
    value = wire.get(key)
    if not isinstance(value, dict):
        raise ProviderError(f"The provider sent an event whose {key!r} is no JSON object.")
    return value


def _index(wire: Wire) -> int:
    index = wire.get("contentBlockIndex")
    return index if type(index) is int else 0


def _whole(block: _Block) -> Image | Opaque:
    """A block that other dialects' clients can only use when it is complete."""
    start = block.start or {}
    kind = next(iter(start), "block")
    opened = start.get(kind)
    inner = dict(opened) if isinstance(opened, dict) else {}
    deltas = [delta[kind] for delta in block.deltas if kind in delta]
    if kind == "image":
        found = [at(delta, ("source", "bytes")) for delta in deltas]
        data = [piece for piece in found if isinstance(piece, str)]
        if data:
            media = f"image/{inner.get('format') or 'png'}"
            return Image(data=_joined(data), media_type=media, extensions={NAME: {}})
    if kind == "toolUse":
        text = "".join(str(at(delta, ("input",)) or "") for delta in deltas)
        return Opaque(NAME, "server_tool_use", {kind: {**inner, "input": _input(text)}})
    if kind == "toolResult":
        content = [item for delta in deltas if isinstance(delta, list) for item in delta]
        return Opaque(NAME, "server_tool_result", {kind: {**inner, "content": content}})
    return Opaque(NAME, kind, {"start": start, "deltas": block.deltas})


def _joined(data: list[str]) -> str:
    if len(data) == 1:
        return data[0]
    try:
        return b64encode(b"".join(map(b64decode, data))).decode()
    except ValueError as error:
        raise ProviderError("The provider sent an image that is not base64.") from error


def _input(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else {}
    except (msgspec.DecodeError, RecursionError):
        return text
