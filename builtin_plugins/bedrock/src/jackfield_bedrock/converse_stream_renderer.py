"""Renders a streamed Converse answer."""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

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
from jackfield.messages import Image, Opaque, Reasoning, Text, Usage
from jackfield.proofs import seal

from .converse_citations import CITED_WHOLE, cites_a_span, write_citation
from .converse_losses import has_logprobs
from .converse_names import NAME, call_id
from .converse_response import LOST_REASON, write_finish
from .converse_thoughts import wrapped
from .event_stream import encode_event
from .failures import render_failed
from .usage import write_usage

_encode = msgspec.json.Encoder().encode
_TEXT = b'{"contentBlockIndex":%d,"delta":{"text":%b}}'
_INPUT = b'{"contentBlockIndex":%d,"delta":{"toolUse":{"input":%b}}}'


class ConverseStreamRenderer:
    """The renderer of one stream: each block ends when the next begins."""

    def __init__(self, write: Callable[[str, bytes], bytes] = encode_event) -> None:
        self.losses: list[Loss] = []
        self._write = write
        self._begun_at = time.monotonic()
        self._started = False
        self._blocks: dict[int, int] = {}
        self._open: int | None = None
        self._thought: Reasoning | None = None
        self._has_calls = False
        self._free: dict[int, str] = {}
        self._finished = False
        self._usage: Usage | None = None

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        if type(event) is TextDelta and event.part == self._open and not event.choice:
            if event.logprobs is not None and has_logprobs(event.logprobs):
                self._lose("logprobs")
            payload = _TEXT % (self._blocks[event.part], _encode(event.text))
            return self._write("contentBlockDelta", payload)
        if getattr(event, "choice", 0):
            self._lose("n", "one answer instead of several")
            return b""
        wire: bytes = self._WRITERS[type(event)](self, event)
        return wire

    def _event(self, kind: str, payload: Mapping[str, Any]) -> bytes:
        return self._write(kind, _encode(payload))

    def _start(self, event: Started) -> bytes:
        if self._started:
            return b""
        self._started = True
        return self._event("messageStart", {"role": "assistant"})

    def _begin(self, part: int) -> bytes:
        """The events that make `part` the open block."""
        if part == self._open:
            return b""
        wire = b"" if self._started else self._start(Started("", ""))
        wire += self._close()
        self._open = part
        self._blocks.setdefault(part, len(self._blocks))
        return wire

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        wire = self._proof() + self._wrapped(self._free.pop(self._open, ""))
        index, self._open = self._blocks[self._open], None
        return wire + self._event("contentBlockStop", {"contentBlockIndex": index})

    def _delta(self, part: int, delta: Mapping[str, Any]) -> bytes:
        index = self._blocks[part]
        return self._event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        if isinstance(event, RefusalDelta):
            self._lose("refusals", "as text", "approximated")
        elif has_logprobs(event.logprobs):
            self._lose("logprobs")
        return self._begin(event.part) + self._delta(event.part, {"text": event.text})

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if NAME in event.extensions:
            known = {
                "text": event.text or None,
                "signature": event.signature,
                "redactedContent": event.encrypted,
            }
            present = [(key, value) for key, value in known.items() if value is not None]
            wire = self._begin(event.part)
            return wire + b"".join(
                self._delta(event.part, {"reasoningContent": {key: value}})
                for key, value in present
            )
        wire = self._begin(event.part)
        self._note(event)
        if not event.text:
            return wire
        return wire + self._delta(event.part, {"reasoningContent": {"text": event.text}})

    def _note(self, event: ReasoningDelta) -> None:
        """Collect the proof of another vendor's thought until its block ends."""
        known = self._thought or Reasoning()
        self._thought = replace(
            known,
            text=known.text or event.text[:1],
            id=known.id or event.id,
            signature=event.signature or known.signature,
            encrypted=event.encrypted or known.encrypted,
            summary=known.summary or event.summary,
            extensions={**known.extensions, **event.extensions},
        )

    def _proof(self) -> bytes:
        thought, self._thought = self._thought, None
        if thought is None or self._open is None:
            return b""
        sealed = seal(thought, unproven=bool(thought.extensions))
        if sealed is None:
            return b""
        proof = {"signature": sealed} if thought.text else {"redactedContent": wrapped(sealed)}
        return self._delta(self._open, {"reasoningContent": proof})

    def _call(self, event: ToolCallStarted) -> bytes:
        self._has_calls = True
        wire = self._begin(event.part)
        if event.kind == "custom":
            self._free[event.part] = ""
            self._lose("tools.custom", "its text as `input`", "approximated")
        call = {"toolUseId": call_id(event.id), "name": event.name, **own(event.extensions, NAME)}
        start = {"contentBlockIndex": self._blocks[event.part], "start": {"toolUse": call}}
        return wire + self._event("contentBlockStart", start)

    def _arguments(self, event: ToolCallDelta) -> bytes:
        if event.part not in self._blocks:
            return b""
        if event.part in self._free:
            self._free[event.part] += event.arguments
            return b""
        payload = _INPUT % (self._blocks[event.part], _encode(event.arguments))
        return self._write("contentBlockDelta", payload)

    def _wrapped(self, text: str) -> bytes:
        """The input of the open block's call, which another dialect has as free text."""
        if not text or self._open is None:
            return b""
        wrapped_text = _encode({"input": text}).decode()
        return self._delta(self._open, {"toolUse": {"input": wrapped_text}})

    def _audio(self, event: AudioDelta) -> bytes:
        self._lose("audio", "its transcript", "approximated")
        return self._text(TextDelta(event.part, event.transcript)) if event.transcript else b""

    def _citation(self, event: CitationAdded) -> bytes:
        if cites_a_span(event.citation):
            self._lose("citations.span", CITED_WHOLE, "approximated")
        return self._begin(event.part) + self._delta(
            event.part, {"citation": write_citation(event.citation)}
        )

    def _whole(self, event: PartAdded) -> bytes:
        part = event.value
        if isinstance(part, Text):
            return self._text(TextDelta(event.part, part.text))
        if isinstance(part, Image) and part.data is not None:
            form = (part.media_type or "image/png").rpartition("/")[2]
            source = {"image": {"source": {"bytes": part.data}}}
            return self._block(event.part, {"image": {"format": form}}, [source])
        if isinstance(part, Opaque) and part.dialect == NAME:
            return self._block(event.part, *_opened(part))
        kind = part.kind if isinstance(part, Opaque) else type(part).__name__.lower()
        self._lose(f"messages.{kind}")
        return b""

    def _block(self, part: int, start: Any, deltas: list[Any]) -> bytes:
        wire = self._begin(part)
        if start:
            payload = {"contentBlockIndex": self._blocks[part], "start": start}
            wire += self._event("contentBlockStart", payload)
        return wire + b"".join(self._delta(part, delta) for delta in deltas) + self._close()

    def _finish(self, event: Finished) -> bytes:
        if self._finished:
            return b""
        wire = (b"" if self._started else self._start(Started("", ""))) + self._close()
        self._finished = True
        reason = event.reason or ("tool_calls" if self._has_calls else "stop")
        word = write_finish(reason, event.detail)
        if word == "end_turn" and reason == "other":
            self.losses.append(LOST_REASON)
        return wire + self._event(
            "messageStop", {"stopReason": word, **own(event.extensions, NAME)}
        )

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _end(self, event: Ended) -> bytes:
        wire = self._finish(Finished(None))
        kept = own(event.extensions, NAME)
        taken = int((time.monotonic() - self._begun_at) * 1000)
        metadata = {"usage": write_usage(self._usage), "metrics": {"latencyMs": taken}, **kept}
        return wire + self._event("metadata", metadata)

    def _fail(self, event: Failed) -> bytes:
        return render_failed(event)

    def _lose(self, feature: str, detail: str = "", how: Any = "dropped") -> None:
        if not any(loss.feature == feature for loss in self.losses):
            self.losses.append(Loss(feature, "choices", how, detail))

    _WRITERS: ClassVar[Mapping[type, Callable[[Any, Any], bytes]]] = {
        Started: _start,
        TextDelta: _text,
        RefusalDelta: _text,
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


def _opened(part: Opaque) -> tuple[Any, list[Any]]:
    """The start and the deltas of a Converse block that arrived complete."""
    value = part.value if isinstance(part.value, dict) else {}
    if "deltas" in value:
        return value.get("start"), value["deltas"]
    kind = next(iter(value), "")
    inner = value.get(kind)
    if not isinstance(inner, dict):
        return None, []
    if kind == "toolUse":
        start = {key: item for key, item in inner.items() if key != "input"}
        text = _encode(inner.get("input", {})).decode()
        return {kind: start}, [{kind: {"input": text}}]
    if kind == "toolResult":
        start = {key: item for key, item in inner.items() if key != "content"}
        return {kind: start}, [{kind: [item]} for item in inner.get("content", [])]
    return None, []
