"""Writes one candidate of a streamed answer as parts."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from jackfield.dialects import Loss
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import Audio, Reasoning, Refusal, Text, ToolCall

from .fields import NAME, carry, own
from .finish import write_finish
from .foreign_thought import ForeignThought
from .grounding import GroundingWriter
from .logprobs import write_logprobs
from .media import lost_transcript
from .parts import PartsWriter
from .signatures import is_own

Wire = dict[str, Any]


@define
class _OpenCall:
    start: ToolCallStarted
    arguments: list[str]


class CandidateWriter:
    """The state of one candidate: what has been written and what is held back."""

    def __init__(self, index: int, losses: list[Loss]) -> None:
        self._index = index
        self._losses = losses
        self._parts = PartsWriter(f"candidates[{index}]", losses, "assistant", answer=True)
        self._calls: dict[int, _OpenCall] = {}
        self._foreign: ForeignThought | None = None
        self._texts: dict[int, list[str]] = {}
        self._places: dict[int, int] = {}
        self._grounding = GroundingWriter(losses)
        self._cited: list[CitationAdded] = []
        self._logprobs: list[Any] = []
        self._finished: Finished | None = None
        self._has_calls = False
        self._words = ""
        self._sounds = False

    def add(self, event: Any) -> list[Wire]:
        """The parts that an event completes."""
        before: list[Wire] = []
        if self._foreign is not None and event.part != self._foreign.part:
            before = self.end_thought()
        parts = _WRITERS[type(event)](self, event)
        if parts or event.part in self._calls:
            self._places.setdefault(event.part, len(self._places))
        return before + parts

    def finish(self, event: Finished) -> list[Wire]:
        """The parts held back until the end; the reason goes into `last`."""
        if self._finished is not None:
            return []
        self._finished = event
        parts = self.end_thought() + self._flush() + self._end_speech()
        self._parts.close()
        return parts + self._taken()

    def last(self) -> Wire:
        """The candidate in the last element."""
        event = self._finished or Finished("tool_calls" if self._has_calls else "stop", self._index)
        parts = self.end_thought() + self._flush() + self._end_speech() or [{"text": ""}]
        kept = own(event.extensions)
        word = kept.get("$finishReason", event.detail)
        wire: Wire = {
            "content": {"parts": parts, "role": "model"},
            "finishReason": write_finish(event.reason, word, is_native="$finishReason" in kept),
            "index": self._index,
        }
        if NAME not in event.extensions:
            wire |= self._sources()
            if self._logprobs:
                wire["logprobsResult"] = write_logprobs({"content": self._logprobs})
        return carry(wire, event.extensions)

    def _sources(self) -> Wire:
        for event in self._cited:
            text = "".join(self._texts.get(event.part, ()))
            self._grounding.add(event.citation, text, self._places.get(event.part, 0))
        metadata = self._grounding.metadata()
        return {"groundingMetadata": metadata} if metadata else {}

    def _taken(self) -> list[Wire]:
        parts, self._parts.wire = self._parts.wire, []
        return parts

    def _flush(self) -> list[Wire]:
        """The pending calls, which are complete because something else follows."""
        calls, self._calls = self._calls, {}
        for call in calls.values():
            start = call.start
            text = "".join(call.arguments)
            self._parts.add(ToolCall(start.id, start.name, text, start.kind, start.extensions))
        return self._taken()

    def _text(self, event: TextDelta) -> list[Wire]:
        if not event.text:
            return []
        before = self._flush() if self._calls else []
        self._texts.setdefault(event.part, []).append(event.text)
        tokens = event.logprobs.get("content") if isinstance(event.logprobs, dict) else None
        if isinstance(tokens, list):
            self._logprobs += tokens
        self._parts.add(Text(event.text, extensions=event.extensions))
        return before + self._taken()

    def _refusal(self, event: RefusalDelta) -> list[Wire]:
        before = self._flush()
        if any(loss.feature == "refusals" for loss in self._losses):
            self._parts.add(Text(event.text))
        else:
            self._parts.add(Refusal(event.text))
        return before + self._taken()

    def _reasoning(self, event: ReasoningDelta) -> list[Wire]:
        before = self._flush() if event.text else []
        if not is_own(event):
            self._foreign = self._foreign or ForeignThought(event.part)
            return before + self._foreign.keep(event)
        thought = Reasoning(
            event.text,
            event.id,
            event.signature,
            event.encrypted,
            event.summary,
            event.extensions,
        )
        self._parts.add(thought)
        return before + self._taken()

    def end_thought(self) -> list[Wire]:
        """The rest of an open thought."""
        thought, self._foreign = self._foreign, None
        return [] if thought is None else thought.end()

    def _call(self, event: ToolCallStarted) -> list[Wire]:
        self._has_calls = True
        self._calls[event.part] = _OpenCall(event, [])
        return []

    def _arguments(self, event: ToolCallDelta) -> list[Wire]:
        call = self._calls.get(event.part)
        if call is not None:
            call.arguments.append(event.arguments)
        return []

    def _audio(self, event: AudioDelta) -> list[Wire]:
        before = self._flush()
        self._words += event.transcript
        if event.data:
            self._sounds = True
            self._parts.add(Audio(data=event.data, format="pcm16"))
        return before + self._taken()

    def _end_speech(self) -> list[Wire]:
        """What was spoken, in words if no sound came."""
        words, self._words = self._words, ""
        if words and self._sounds:
            self._losses.append(lost_transcript(f"candidates[{self._index}]"))
        elif words:
            self._parts.add(Audio(transcript=words))
        return self._taken()

    def _citation(self, event: CitationAdded) -> list[Wire]:
        self._cited.append(event)
        return []

    def _part(self, event: PartAdded) -> list[Wire]:
        before = self._flush()
        self._parts.add(event.value)
        return before + self._taken()


_WRITERS: Mapping[type, Callable[[CandidateWriter, Any], list[Wire]]] = {
    TextDelta: CandidateWriter._text,
    RefusalDelta: CandidateWriter._refusal,
    ReasoningDelta: CandidateWriter._reasoning,
    ToolCallStarted: CandidateWriter._call,
    ToolCallDelta: CandidateWriter._arguments,
    AudioDelta: CandidateWriter._audio,
    CitationAdded: CandidateWriter._citation,
    PartAdded: CandidateWriter._part,
}
