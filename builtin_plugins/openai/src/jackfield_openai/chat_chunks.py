"""Writes a streamed chat answer as chunks."""

from collections.abc import Mapping
from typing import Any

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
from jackfield.fields import own
from jackfield.messages import Audio, ChatRequest, FinishReason, Image, Opaque, Usage

from .chat_assistant import SHOWN, write_annotation
from .chat_choice_writer import ChoiceWriter
from .chat_google import KEY as EXTRA_CONTENT
from .chat_google import extra_content, is_of_call
from .chat_message_reader import kept_details, kept_keys
from .chat_parts import NAME, write_part
from .chat_response import new_id, now, write_finish
from .chat_sources import is_listed
from .chat_summaries import is_summary, write_summary
from .chat_thoughts import DETAILS
from .chat_tools import NO_ARGUMENTS, is_legacy
from .failures import render_failed
from .losses import LOST_REASON
from .moderations import MODERATION, chat_moderation
from .usage import write_usage

_encode = msgspec.json.Encoder().encode
DONE = b"data: [DONE]\n\n"
_REPEATED = ("service_tier", "system_fingerprint", "provider")
"""Members repeated in every chunk; other members stay in the chunk that they came in."""


class ChatStreamRenderer:
    """The renderer of one stream: a role chunk first, one finish for each choice, `[DONE]` last."""

    def __init__(self, request: ChatRequest) -> None:
        self.losses: list[Loss] = []
        self._request = request
        self._legacy = any(is_legacy(tool) for tool in request.tools)
        self._usage: Usage | None = None
        self._choices: dict[int, ChoiceWriter] = {}
        self._fields: dict[str, Any] = {}
        self._head = b""
        self._tail = b',"usage":null}\n\n' if request.include_usage else b"}\n\n"

    def render(self, event: StreamEvent) -> bytes:
        """The chunks for one event; empty if it has none."""
        if type(event) is TextDelta:
            return self._text(event)
        wire: bytes = _WRITERS[type(event)](self, event)
        return wire

    def _started(self, event: Started) -> bytes:
        extra = own(event.extensions, NAME)
        self._fields = {
            "id": event.id or new_id(),
            "object": "chat.completion.chunk",
            "created": now() if event.created is None else event.created,
            "model": event.model or self._request.model,
            **{key: extra[key] for key in _REPEATED if key in extra},
        }
        self._head = self._head_with(extra)
        first = self._role(0)
        self._head = self._head_with({})
        return first

    def _head_with(self, extra: Mapping[str, Any]) -> bytes:
        return b"data: " + _encode({**self._fields, **extra})[:-1] + b',"choices":['

    def _role(self, choice: int) -> bytes:
        self._choices[choice] = ChoiceWriter()
        return self._delta(choice, b'{"role":"assistant","content":""}')

    def _delta(self, choice: int, delta: bytes, end: bytes = b',"finish_reason":null}]') -> bytes:
        return b'%b{"index":%d,"delta":%b%b%b' % (self._head, choice, delta, end, self._tail)

    def _open(self, choice: int) -> tuple[ChoiceWriter, bytes]:
        """The state of a choice, and its first delta."""
        writer = self._choices.get(choice)
        if writer is not None:
            return writer, b""
        begin = self._started(Started("", "")) if not self._head else b""
        if choice not in self._choices:
            begin += self._role(choice)
        return self._choices[choice], begin

    def _text(self, event: TextDelta) -> bytes:
        writer, begin = self._open(event.choice)
        writer.texts.setdefault(event.part, writer.text)
        writer.text += len(event.text)
        delta = b'{"content":%b}' % _encode(event.text)
        if event.logprobs is None:
            return begin + self._delta(event.choice, delta)
        end = b',"logprobs":%b,"finish_reason":null}]' % _encode(event.logprobs)
        return begin + self._delta(event.choice, delta, end)

    def _refusal(self, event: RefusalDelta) -> bytes:
        return self._object(event.choice, {"refusal": event.text})

    def _object(self, choice: int, delta: Mapping[str, Any]) -> bytes:
        _, begin = self._open(choice)
        return begin + self._delta(choice, _encode(delta))

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        kept = own(event.extensions, NAME)
        if is_summary(event.extensions):
            return self._object(event.choice, {"content": [write_summary(event)]})
        if kept.get("$in") == "content":
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": event.text}]}
            return self._object(event.choice, {"content": [thought]})
        keys = kept_keys(kept)
        extra = extra_content(event.extensions)
        if extra is not None:
            return self._signature(event, extra)
        if keys is not None:
            delta: dict[str, Any] = dict.fromkeys(keys, event.text)
            details = kept_details(kept, event.text)
            if details:
                delta[DETAILS] = details
            return self._object(event.choice, delta) if delta else b""
        return self._foreign_reasoning(event)

    def _foreign_reasoning(self, event: ReasoningDelta) -> bytes:
        writer, begin = self._open(event.choice)
        delta = writer.think(event)
        return begin + self._object(event.choice, delta) if delta else begin

    def _signature(self, event: ReasoningDelta, extra: dict[str, Any]) -> bytes:
        writer, begin = self._open(event.choice)
        now = {EXTRA_CONTENT: extra}
        if is_of_call(event.extensions):
            now = writer.signed()
            writer.extra_content = extra
        return begin + self._object(event.choice, now) if now else begin

    def _call_started(self, event: ToolCallStarted) -> bytes:
        writer, begin = self._open(event.choice)
        kept = own(event.extensions, NAME)
        if event.kind != "custom":
            writer.bare[event.part] = None
        if self._legacy or "$legacy" in kept:
            writer.kinds[event.part] = "legacy"
            call = {"name": event.name, "arguments": ""}
            return begin + self._object(event.choice, {"function_call": call})
        writer.kinds[event.part] = event.kind
        index = writer.calls[event.part] = len(writer.calls)
        argument = "input" if event.kind == "custom" else "arguments"
        wire = {
            "index": index,
            "id": event.id,
            "type": event.kind,
            event.kind: {"name": event.name, argument: ""},
            **writer.signed(),
            **kept,
        }
        return begin + self._object(event.choice, {"tool_calls": [wire]})

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        writer, begin = self._open(event.choice)
        kind = writer.kinds.get(event.part, "function")
        writer.bare.pop(event.part, None)
        arguments = _encode(event.arguments)
        if kind == "legacy":
            delta = b'{"function_call":{"arguments":%b}}' % arguments
        else:
            form = _CUSTOM if kind == "custom" else _FUNCTION
            delta = form % (writer.calls.get(event.part, 0), arguments)
        return begin + self._delta(event.choice, delta)

    def _audio(self, event: AudioDelta) -> bytes:
        known = {
            "id": event.id,
            "data": event.data or None,
            "transcript": event.transcript or None,
            "expires_at": event.expires_at,
        }
        audio = {key: value for key, value in known.items() if value is not None}
        return self._object(event.choice, {"audio": audio}) if audio else b""

    def _citation(self, event: CitationAdded) -> bytes:
        writer, begin = self._open(event.choice)
        if is_listed(event.citation):
            return begin
        offset, length = (0, 0) if NAME in event.citation.extensions else writer.span(event.part)
        wire = write_annotation(event.citation, length, offset)
        if not isinstance(wire, dict):
            self._lose("citations")
            return begin
        return begin + self._object(event.choice, writer.listed("annotations", wire))

    def _part(self, event: PartAdded) -> bytes:
        value = event.value
        if isinstance(value, Opaque) and value.dialect != NAME:
            self._lose(f"messages.{value.kind}")
            return b""
        if isinstance(value, Audio):
            data, words = value.data or "", value.transcript or ""
            audio = AudioDelta(event.part, data, words, event.choice, value.id, value.expires_at)
            return self._audio(audio)
        wire = write_part(value, f"choices[{event.choice}]", self.losses, "assistant")
        if wire is None:
            return b""
        if not isinstance(value, Image):
            return self._object(event.choice, {"content": [wire]})
        if NAME not in value.extensions and SHOWN not in self.losses:
            self.losses.append(SHOWN)
        writer, begin = self._open(event.choice)
        return begin + self._object(event.choice, writer.listed("images", wire))

    def _finished(self, event: Finished) -> bytes:
        writer, begin = self._open(event.choice)
        if writer.finished:
            return begin
        writer.finished = True
        for part in tuple(writer.bare):
            begin += self._call_delta(ToolCallDelta(part, NO_ARGUMENTS, event.choice))
        closing_delta = writer.closing_delta()
        if closing_delta:
            begin += self._object(event.choice, closing_delta)
        kept = own(event.extensions, NAME)
        if "$beside" in kept:
            beside = _encode({"finish_reason": None, **kept["$beside"]})
            begin += self._delta(event.choice, b"{}", b"," + beside[1:] + b"]")
        word = kept.get("$finish_reason")
        if self._legacy and event.reason == "tool_calls":
            word = "function_call"
        extra = {key: value for key, value in kept.items() if not key.startswith("$")}
        finish = write_finish(event.reason, word) or "stop"
        if finish == "stop" and event.reason == "other":
            self.losses.append(LOST_REASON)
        end = {"finish_reason": finish, **extra}
        delta = _encode(kept.get("$delta", {}))
        chunk = self._delta(event.choice, delta, b"," + _encode(end)[1:] + b"]")
        if "$chunk" in kept:
            chunk = self._head_with(kept["$chunk"]) + chunk.removeprefix(self._head)
        return begin + chunk

    def _reported(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _ended(self, event: Ended) -> bytes:
        out = [] if self._choices else [self._open(0)[1]]
        for choice, writer in self._choices.items():
            if not writer.finished:
                reason: FinishReason = "tool_calls" if writer.kinds else "stop"
                out.append(self._finished(Finished(reason, choice)))
        extra = {**own(event.extensions, NAME), **chat_moderation(event.extensions)}
        if self._request.include_usage and self._usage is not None:
            usage = _encode(write_usage(self._usage))
            out.append(b'%b],"usage":%b}\n\n' % (self._head_with(extra), usage))
        elif MODERATION in extra:
            out.append(self._head_with(extra) + b"]" + self._tail)
        return b"".join(out) + DONE

    def _failed(self, event: Failed) -> bytes:
        return render_failed(event)

    def _lose(self, feature: str) -> None:
        if not any(loss.feature == feature for loss in self.losses):
            self.losses.append(Loss(feature, "choices", "dropped"))


_FUNCTION = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
_CUSTOM = b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'

_WRITERS: Mapping[type, Any] = {
    Started: ChatStreamRenderer._started,
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
