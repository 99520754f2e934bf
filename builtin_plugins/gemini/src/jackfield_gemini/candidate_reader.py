"""Parses one candidate of a stream's elements."""

from typing import Any

from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    CitationAdded,
    Finished,
    PartAdded,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import Extensions, Part, Reasoning, Text, ToolCall

from .call_ids import answered_id
from .fields import NAME
from .finish import finish_detail, read_finish
from .grounding import read_sources
from .logprobs import read_logprobs
from .partial_call import PartialCall, is_partial
from .parts import read_part
from .signatures import is_proof

Events = list[StreamEvent]
_TAKEN = frozenset(("content", "finishReason", "index"))


class CandidateReader:
    """The open parts of one candidate. Raises ProviderError if it is malformed."""

    def __init__(self, index: int, response_id: str) -> None:
        self.finished = False
        self._index = index
        self._response_id = response_id
        self._kind = ""
        self._part = 0
        self._parts = 0
        self._wires = 0
        self._has_calls = False
        self._pending: PartialCall | None = None
        self._texts: dict[int, list[str]] = {}
        self._extra: dict[str, Any] = {}

    def read(self, wire: dict[str, Any], out: Events) -> None:
        """Append the events of one element's candidate."""
        logprobs = read_logprobs(wire.get("logprobsResult"))
        content = wire.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            self._read_wire(part, logprobs, out)
            logprobs = None
        for key, value in wire.items():
            if key not in _TAKEN and value:
                self._extra[key] = value
        if wire.get("finishReason") is not None and not self.finished:
            self._finish(wire["finishReason"], out)

    def _read_wire(self, wire: Any, logprobs: Any, out: Events) -> None:
        self._wires += 1
        if (
            self._pending is None
            and type(wire) is dict
            and len(wire) == 1
            and type(text := wire.get("text")) is str
        ):
            self._emit_text(text, logprobs, {}, out)  # the common case
            return
        if self._pending is not None or is_partial(wire):
            wire = self._collected(wire, out)
            if wire is None:
                return
        made_up = answered_id(self._response_id, self._index, self._wires - 1)
        try:
            parts = read_part(wire, "parts", made_up, strict=False)
        except InvalidRequest as error:
            raise ProviderError(f"The provider sent a wrong part: {error.message}") from error
        for part in parts:
            self._emit_part(part, logprobs, out)

    def _collected(self, wire: Any, out: Events) -> Any:
        """The part to read now: of a call in pieces, the whole call with its last piece."""
        if self._pending is not None and not self._pending.continues(wire):
            self._close_call(out)
        if self._pending is None:
            if not is_partial(wire):
                return wire
            self._pending = PartialCall(wire)
        self._pending.add(wire)
        if not self._pending.is_whole:
            return None
        whole, self._pending = self._pending.part(), None
        return whole

    def _close_call(self, out: Events) -> None:
        if self._pending is not None:
            whole, self._pending = self._pending.part(), None
            self._read_wire(whole, None, out)
            self._wires += 1  # for the id of the part that comes next

    def _emit_part(self, part: Part, logprobs: Any, out: Events) -> None:
        match part:
            case Text():
                self._emit_text(part.text, logprobs, part.extensions, out)
            case Reasoning():
                self._emit_thought(part, out)
            case ToolCall():
                self._call(part, out)
            case _:
                out.append(PartAdded(self._begin(), part, self._index))

    def _emit_text(self, text: str, logprobs: Any, note: Extensions, out: Events) -> None:
        if text:
            place = self._open("text")
            self._texts.setdefault(place, []).append(text)
            out.append(TextDelta(place, text, self._index, logprobs, note))

    def _emit_thought(self, thought: Reasoning, out: Events) -> None:
        place = self._begin() if is_proof(thought) else self._open("reasoning")
        out.append(
            ReasoningDelta(
                place,
                thought.text,
                self._index,
                thought.id,
                thought.signature,
                thought.encrypted,
                thought.summary,
                thought.extensions,
            )
        )

    def _call(self, call: ToolCall, out: Events) -> None:
        self._has_calls = True
        place = self._begin()
        started = ToolCallStarted(
            place, call.id, call.name, self._index, extensions=call.extensions
        )
        out += (started, ToolCallDelta(place, call.arguments, self._index))

    def _finish(self, word: Any, out: Events) -> None:
        self.finished = True
        self._close_call(out)
        texts = [(place, "".join(pieces)) for place, pieces in self._texts.items()]
        for cited in read_sources(self._extra, texts):
            out.append(CitationAdded(cited.place, cited.citation, self._index))
        reason = read_finish(word, self._has_calls)
        extensions = {NAME: {**self._extra, "$finishReason": word}}
        out.append(Finished(reason, self._index, finish_detail(word), extensions))

    def _open(self, kind: str) -> int:
        if self._kind != kind:
            self._kind = kind
            self._part = self._next()
        return self._part

    def _begin(self) -> int:
        """A part that later text does not continue."""
        self._kind = ""
        return self._next()

    def _next(self) -> int:
        self._parts += 1
        return self._parts - 1
