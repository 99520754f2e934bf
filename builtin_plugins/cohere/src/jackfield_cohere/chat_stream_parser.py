"""Parses the events of a streamed chat answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from jackfield import sse
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
from jackfield.messages import Opaque, Reasoning
from jackfield.proofs import unseal

from .chat_message_reader import plan_of
from .chat_parts import NAME
from .chat_response import read_finish
from .chat_tools import arguments_text, new_call_id
from .citations import read_citation
from .failures import read_failure
from .logprobs import merged, read_logprobs
from .usage import read_usage

_decode = msgspec.json.Decoder().decode
_SILENT: Final = frozenset(("content-end", "tool-call-end", "citation-end", "debug"))
_END_KNOWN: Final = frozenset(("type", "delta"))
Event = Mapping[str, Any]


def decode_event(data: bytes) -> dict[str, Any]:
    """The object of one event's data. Raises ProviderError if it is malformed."""
    try:
        event = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderError("The provider sent a stream event that is not JSON.") from error
    if not isinstance(event, dict):
        raise ProviderError("The provider sent a stream event that is not a JSON object.")
    return event


def failure_in(event: Event, name: str = "") -> str | None:
    """The message of an event that aborts the answer; None for any other event."""
    kind = event.get("type")
    delta = event.get("delta")
    if kind == "message-end":
        return read_failure(delta).message or None if isinstance(delta, dict) else None
    if kind is None or kind == "error" or name == "error":
        return read_failure(event).message or None
    return None


class ChatStreamParser:
    """The parser of one stream."""

    def __init__(self) -> None:
        self._started = False
        self._finished = False
        self._ended = False
        self._parts = 0
        self._contents: dict[int, int] = {}
        self._kinds: dict[int, str] = {}
        self._text: int | None = None
        self._calls: dict[int, int] = {}
        self._plan: list[str] = []

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = sse.data_of(event)
        if not data or self._ended:
            return ()
        if data.strip() == b"[DONE]":
            return [*self._planned(), self._end()]
        wire = decode_event(data)
        failure = failure_in(wire, sse.parse(event).event if "type" not in wire else "")
        if failure is not None:
            self._ended = True
            return (Failed(failure),)
        return self._read(wire)

    def close(self) -> Sequence[StreamEvent]:
        """The end of a stream that finished without a marker."""
        return () if self._ended or not self._finished else (self._end(),)

    def _end(self) -> Ended:
        self._ended = True
        return Ended()

    def _read(self, wire: Event) -> list[StreamEvent]:
        kind = wire.get("type")
        if not isinstance(kind, str) or not kind.isprintable():
            raise ProviderError("The provider sent a stream event without a type.")
        out: list[StreamEvent] = []
        if not self._started and kind != "message-start":
            self._start({}, {}, out)
        if self._plan and kind != "tool-plan-delta":
            out += self._planned()
        reader = _READERS.get(kind)
        if reader is not None:
            reader(self, wire, _message(wire), out)
        elif kind not in _SILENT:
            out.append(PartAdded(self._next(), Opaque(NAME, kind, dict(wire))))
        return out

    def _next(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _start(self, wire: Event, _: Event, out: list[StreamEvent]) -> None:
        self._started = True
        identity = wire.get("id")
        out.append(Started(identity if isinstance(identity, str) else "", ""))

    def _content_start(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        content = message.get("content")
        index = _index(wire)
        self._contents[index] = self._next()
        kind = content.get("type") if isinstance(content, dict) else None
        self._kinds[index] = str(kind or "text")
        if kind not in (None, "text", "thinking"):
            out.append(PartAdded(self._contents[index], Opaque(NAME, str(kind), content)))
        else:
            self._content(wire, message, out)

    def _content(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        content = message.get("content")
        if not isinstance(content, dict):
            return
        part = self._part_of(_index(wire))
        text, thought = content.get("text"), content.get("thinking")
        if isinstance(text, str) and text:
            self._text = part
            out.append(_text_delta(part, text, wire.get("logprobs")))
        proof = _proof(content.get("signature"))
        if proof is not None or (isinstance(thought, str) and thought):
            out.append(_thought(part, thought, proof))

    def _part_of(self, index: int) -> int:
        if index not in self._contents:
            self._contents[index] = self._next()
        return self._contents[index]

    def _plan_delta(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        plan = message.get("tool_plan")
        if isinstance(plan, str):
            self._plan.append(plan)

    def _planned(self) -> list[StreamEvent]:
        """The complete plan, which travels as a proof; proofs come in one piece."""
        plan, self._plan = "".join(self._plan), []
        if not plan:
            return []
        thought = plan_of(plan)
        event = ReasoningDelta(
            self._next(), encrypted=thought.encrypted, extensions=thought.extensions
        )
        return [event]

    def _call_start(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        for call in _calls(message):
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            name = str(function.get("name") or "")
            part = self._calls[_index(wire)] = self._next()
            identity = call.get("id")
            identity = identity if isinstance(identity, str) and identity else new_call_id(name)
            out.append(ToolCallStarted(part, identity, name))
            _arguments(part, function, out)

    def _call_delta(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        part = self._calls.get(_index(wire))
        if part is None:
            raise ProviderError("The provider went on with a tool call that it had not begun.")
        for call in _calls(message):
            function = call.get("function")
            _arguments(part, function if isinstance(function, dict) else {}, out)

    def _citation(self, wire: Event, message: Event, out: list[StreamEvent]) -> None:
        found = message.get("citations")
        for citation in found if isinstance(found, list) else [found]:
            part = self._cited(citation)
            if part is None:
                value = {**wire, "delta": {"message": dict(message)}}
                event = PartAdded(self._next(), Opaque(NAME, "citation-start", value))
                out.append(event)
            else:
                out += [CitationAdded(part, one) for one in read_citation(citation)]

    def _cited(self, citation: Any) -> int | None:
        """The part with the cited text; None for a citation of a plan or a thought."""
        index = citation.get("content_index") if isinstance(citation, dict) else None
        if not isinstance(index, int):
            return self._text
        return self._contents.get(index) if self._kinds.get(index) == "text" else None

    def _finish(self, wire: Event, _: Event, out: list[StreamEvent]) -> None:
        delta = wire.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        word = delta.get("finish_reason")
        reason = read_finish(word, bool(self._calls))
        rest = {key: value for key, value in wire.items() if key not in _END_KNOWN}
        self._finished = True
        detail = word if isinstance(word, str) else None
        out.append(Finished(reason, detail=detail, extensions={NAME: rest} if rest else {}))
        usage = read_usage(delta.get("usage"))
        if usage is not None:
            out.append(UsageReported(usage))


def _message(wire: Event) -> Event:
    delta = wire.get("delta")
    message = delta.get("message") if isinstance(delta, dict) else None
    return message if isinstance(message, dict) else {}


def _index(wire: Event) -> int:
    index = wire.get("index")
    return index if isinstance(index, int) else 0


def _calls(message: Event) -> list[dict[str, Any]]:
    """The call in `tool_calls`, of which there is one despite the name."""
    calls = message.get("tool_calls")
    found = calls if isinstance(calls, list) else [calls]
    return [call for call in found if isinstance(call, dict)]


def _arguments(part: int, function: Event, out: list[StreamEvent]) -> None:
    text = arguments_text(function.get("arguments"))
    if text:
        out.append(ToolCallDelta(part, text))


def _text_delta(part: int, text: str, logprobs: Any) -> TextDelta:
    if not logprobs:
        return TextDelta(part, text)
    read = read_logprobs(merged([logprobs]))
    return TextDelta(part, text, logprobs=read, extensions={NAME: {"logprobs": logprobs}})


def _proof(signature: Any) -> Reasoning | None:
    return unseal(signature) if isinstance(signature, str) else None


def _thought(part: int, text: Any, proof: Reasoning | None) -> ReasoningDelta:
    text = text if isinstance(text, str) else ""
    if proof is None:
        return ReasoningDelta(part, text, extensions={NAME: {}})
    return ReasoningDelta(
        part,
        text,
        id=proof.id,
        signature=proof.signature,
        encrypted=proof.encrypted,
        summary=proof.summary,
        extensions=proof.extensions,
    )


_Reader = Callable[[ChatStreamParser, Event, Event, list[StreamEvent]], None]
_READERS: Final[Mapping[str, _Reader]] = {
    "content-delta": ChatStreamParser._content,
    "content-start": ChatStreamParser._content_start,
    "message-start": ChatStreamParser._start,
    "tool-plan-delta": ChatStreamParser._plan_delta,
    "tool-call-start": ChatStreamParser._call_start,
    "tool-call-delta": ChatStreamParser._call_delta,
    "citation-start": ChatStreamParser._citation,
    "message-end": ChatStreamParser._finish,
}
