"""Renders a streamed chat answer as Mistral's chunks, through OpenAI's renderer.

Mistral's clients expect a tool call in one piece, and usage only in the chunk that finishes the
answer, and absent, not null, in all others.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import define
from msgspec.structs import replace

from jackfield import sse
from jackfield.dialects import CanonicalRequest, Loss, StreamRenderer, installed
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import Image, Opaque, ToolCall

from .calls import sealed_proof, written_call
from .failures import render_failed
from .names import CHAT, exchanged, renamed_feature

_OPENAI: Final = installed("openai.chat")
_IN_CONTENT: Final = {CHAT: {"$in": "content"}}
_NO_USAGE: Final = b',"usage":null}\n\n'
"""The end of an OpenAI chunk. In a chunk's own texts the quotes would be escaped."""


@define
class _Call:
    started: ToolCallStarted
    arguments: str = ""


class ChatStreamRenderer:
    """The renderer of one stream."""

    def __init__(self, request: CanonicalRequest) -> None:
        self.losses: list[Loss] = []
        self._inner: StreamRenderer = _OPENAI.stream_renderer(exchanged(request))
        self._calls: dict[tuple[int, int], _Call] = {}
        self._finishes: list[Finished] = []

    def render(self, event: StreamEvent) -> bytes:
        """The chunks for one event; empty if it has none."""
        if type(event) is TextDelta and not event.extensions:
            wire = self._inner.render(event)
        else:
            writer = _WRITERS.get(type(event))
            wire = self._write(event) if writer is None else writer(self, event)
        return wire.replace(_NO_USAGE, b"}\n\n")

    def _write(self, event: StreamEvent) -> bytes:
        before = len(self._inner.losses)
        wire = self._inner.render(exchanged(event))
        for loss in self._inner.losses[before:]:
            self._lose(renamed_feature(loss.feature), loss.how)
        return wire

    def _call_started(self, event: ToolCallStarted) -> bytes:
        self._calls[event.choice, event.part] = _Call(event)
        return b""

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get((event.choice, event.part))
        if call is not None:
            call.arguments += event.arguments
        return b""

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        """A thought as a content part, followed by its proof; another vendor's is sealed."""
        from_mistral = CHAT in event.extensions
        proof = event.signature if from_mistral else sealed_proof(event)
        thought = ReasoningDelta(event.part, event.text, event.choice, extensions=_IN_CONTENT)
        written = self._write(thought) if event.text else b""
        return written + (self._proof(event, proof) if proof else b"")

    def _proof(self, event: ReasoningDelta, signature: str) -> bytes:
        value = {"type": "thinking", "thinking": [], "signature": signature}
        return self._write(PartAdded(event.part, Opaque(CHAT, "thinking", value), event.choice))

    def _refusal(self, event: RefusalDelta) -> bytes:
        self._lose("refusals", "approximated")
        return self._write(TextDelta(event.part, event.text, event.choice))

    def _audio(self, event: AudioDelta) -> bytes:
        self._lose("audio", "approximated")
        text = event.transcript
        return self._write(TextDelta(event.part, text, event.choice)) if text else b""

    def _citation(self, event: CitationAdded) -> bytes:
        self._lose("citations", "dropped")
        return b""

    def _part(self, event: PartAdded) -> bytes:
        if isinstance(event.value, Image):
            self._lose("images.output", "dropped")
            return b""
        return self._write(event)

    def _finished(self, event: Finished) -> bytes:
        self._finishes.append(event)
        return b""

    def _failed(self, event: Failed) -> bytes:
        return render_failed(event)

    def _ended(self, event: Ended) -> bytes:
        before = self._whole_calls()
        finishes = b"".join([self._finish(finish) for finish in self._finishes])
        *chunks, marker = sse.split(finishes + self._write(event))
        return before + b"".join(_with_usage(chunks)) + marker

    def _whole_calls(self) -> bytes:
        """One chunk with all calls of a choice: Pydantic AI numbers them by their place in it."""
        before = b""
        chunks: dict[int, dict[str, Any]] = {}
        for call in self._calls.values():
            ahead, chunk = self._whole(call)
            before += ahead
            first = chunks.setdefault(call.started.choice, chunk)
            if first is not chunk:
                calls = first["choices"][0]["delta"]["tool_calls"]
                calls += chunk["choices"][0]["delta"]["tool_calls"]
        return before + b"".join(
            [sse.encode(msgspec.json.encode(chunk)) for chunk in chunks.values()]
        )

    def _whole(self, call: _Call) -> tuple[bytes, dict[str, Any]]:
        """A chunk for a call that OpenAI's writer sends in two, and the chunks ahead of it."""
        started, lost = call.started, list[Loss]()
        whole = written_call(ToolCall(started.id, started.name, call.arguments, started.kind), lost)
        for loss in lost:
            self._lose(loss.feature, loss.how)
        delta = ToolCallDelta(started.part, whole.arguments or "{}", started.choice)
        begun = self._write(replace(started, id=whole.id, kind=whole.kind))
        self._write(delta)  # its output goes into the one chunk
        *before, chunk = sse.split(begun)
        tree = msgspec.json.decode(sse.data_of(chunk) or b"", type=dict[str, Any])
        tree["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] = delta.arguments
        return b"".join(before), tree

    def _finish(self, finish: Finished) -> bytes:
        if finish.reason == "content_filter":
            self._lose("finish_reason.content_filter", "approximated")
            finish = replace(finish, reason="error", detail=None)
        return self._write(finish)

    def _lose(self, feature: str, how: Any) -> None:
        if not any(loss.feature == feature for loss in self.losses):
            self.losses.append(Loss(feature, "choices", how))


def _with_usage(chunks: list[bytes]) -> list[bytes]:
    """The chunks with usage in the last one that has a choice, not in one of its own."""
    if len(chunks) < 2:
        return chunks
    last = msgspec.json.decode(sse.data_of(chunks[-1]) or b"")
    if last["choices"] or not last.get("usage"):
        return chunks
    finish = msgspec.json.decode(sse.data_of(chunks[-2]) or b"")
    joined = finish | {"usage": last["usage"]}
    return [*chunks[:-2], sse.encode(msgspec.json.encode(joined))]


_WRITERS: Final[Mapping[type, Callable[[ChatStreamRenderer, Any], bytes]]] = {
    ToolCallStarted: ChatStreamRenderer._call_started,
    ToolCallDelta: ChatStreamRenderer._call_delta,
    ReasoningDelta: ChatStreamRenderer._reasoning,
    RefusalDelta: ChatStreamRenderer._refusal,
    AudioDelta: ChatStreamRenderer._audio,
    CitationAdded: ChatStreamRenderer._citation,
    PartAdded: ChatStreamRenderer._part,
    Finished: ChatStreamRenderer._finished,
    Failed: ChatStreamRenderer._failed,
    Ended: ChatStreamRenderer._ended,
}
