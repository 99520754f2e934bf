"""Parses a Responses stream into canonical events.

Providers omit events, so nothing is assumed: if a `done` event or the final response holds
something that no delta has reported, it is reported then.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    CitationAdded,
    Ended,
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
from jackfield.messages import Opaque, Refusal, Text, ToolCall

from .failures import UNREADABLE, failed_event
from .responses_answer import finish_of
from .responses_content import JSON, NAME, own, parse_citation
from .responses_items import message_note, model_parts, reasoning_extra, reasoning_parts
from .responses_response import response_extra
from .responses_shapes import AnswerShape, check
from .responses_usage import read_usage

_Key = tuple[str, Any, Any]
_NOTHING: tuple[StreamEvent, ...] = ()


class _Wire(msgspec.Struct):
    type: Any = ""
    delta: Any = ""
    output_index: Any = 0
    content_index: Any = 0
    summary_index: Any = 0
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    logprobs: Any = None
    annotation: Any = None
    item: Any = None
    response: Any = None
    error: Any = None
    code: Any = None
    message: Any = None


_decode = msgspec.json.Decoder(_Wire).decode


class ResponsesParser:
    """Parses one stream."""

    def __init__(self) -> None:
        self._parts: dict[_Key, int] = {}
        self._items: dict[Any, JSON] = {}
        self._done: set[Any] = set()
        self._cited: dict[_Key, int] = {}
        self._calls = False
        self._over = False

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = sse.data_of(event)
        if data is None or not data.startswith(b"{"):
            return _NOTHING
        try:
            wire = _decode(data)
            handler = self._HANDLERS.get(wire.type)
            if handler is not None and not self._over and type(wire.delta) is str:
                return handler(self, wire)
            return self._error(wire) if wire.error else _NOTHING
        except (*UNREADABLE, AttributeError, TypeError, InvalidRequest) as error:
            # Any deviation from the documented shape surfaces here.
            raise ProviderError("The provider sent a stream event that is malformed.") from error

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is pending: the stream's own events say everything."""
        return _NOTHING

    def _new_part(self, key: _Key) -> int:
        part = self._parts[key] = len(self._parts)
        return part

    def _created(self, wire: _Wire) -> Sequence[StreamEvent]:
        response = _response_in(wire)
        created = response.get("created_at")
        return (
            Started(
                str(response.get("id") or ""),
                str(response.get("model") or ""),
                None if created is None else int(created),
                {NAME: response_extra(response)},
            ),
        )

    def _added(self, wire: _Wire) -> Sequence[StreamEvent]:
        item = wire.item or {}
        self._items[wire.output_index] = item
        if item.get("type") not in ("function_call", "custom_tool_call"):
            return _NOTHING
        parts = model_parts(item, "item")
        call = parts[0] if parts else None
        return self._begin_call(wire.output_index, call) if isinstance(call, ToolCall) else _NOTHING

    def _begin_call(self, index: Any, call: ToolCall) -> tuple[StreamEvent, ...]:
        self._calls = True
        part = self._new_part(("call", index, 0))
        return (ToolCallStarted(part, call.id, call.name, 0, call.kind, call.extensions),)

    def _text_delta(self, wire: _Wire) -> Sequence[StreamEvent]:
        logprobs = None
        if isinstance(wire.logprobs, list) and wire.logprobs:
            logprobs = {"content": wire.logprobs, "refusal": None}
        key = ("text", wire.output_index, wire.content_index)
        part = self._parts.get(key)
        if part is not None:
            return (TextDelta(part, wire.delta, 0, logprobs),)
        extensions = self._first_of_item(wire)
        return (TextDelta(self._new_part(key), wire.delta, 0, logprobs, extensions),)

    def _refusal_delta(self, wire: _Wire) -> Sequence[StreamEvent]:
        key = ("text", wire.output_index, wire.content_index)
        part = self._parts.get(key)
        if part is not None:
            return (RefusalDelta(part, wire.delta),)
        extensions = self._first_of_item(wire)
        return (RefusalDelta(self._new_part(key), wire.delta, 0, extensions),)

    def _first_of_item(self, wire: _Wire) -> dict[str, JSON]:
        if wire.content_index:
            return {}
        return {NAME: message_note(self._items.get(wire.output_index, {}))}

    def _text_done(self, wire: _Wire) -> Sequence[StreamEvent]:
        if not wire.text or ("text", wire.output_index, wire.content_index) in self._parts:
            return _NOTHING
        wire.delta = wire.text
        return self._text_delta(wire)

    def _refusal_done(self, wire: _Wire) -> Sequence[StreamEvent]:
        if not wire.refusal or ("text", wire.output_index, wire.content_index) in self._parts:
            return _NOTHING
        wire.delta = wire.refusal
        return self._refusal_delta(wire)

    def _annotation(self, wire: _Wire) -> Sequence[StreamEvent]:
        key = ("text", wire.output_index, wire.content_index)
        if not isinstance(wire.annotation, dict) or key not in self._parts:
            return _NOTHING  # the item's done event has it as well
        self._cited[key] = self._cited.get(key, 0) + 1
        return (CitationAdded(self._parts[key], parse_citation(wire.annotation)),)

    def _summary_delta(self, wire: _Wire) -> Sequence[StreamEvent]:
        return self._thought(("summary", wire.output_index, wire.summary_index), wire.delta)

    def _reasoning_delta(self, wire: _Wire) -> Sequence[StreamEvent]:
        return self._thought(("thought", wire.output_index, wire.content_index), wire.delta)

    def _thought(
        self, key: _Key, text: str, encrypted: str | None = None
    ) -> tuple[StreamEvent, ...]:
        summary = key[0] == "summary"
        part = self._parts.get(key)
        if part is not None:
            return (
                ReasoningDelta(
                    part, text, encrypted=encrypted, summary=summary, extensions={NAME: {}}
                ),
            )
        item = self._items.get(key[1], {})
        extra: JSON = {}
        if not self._reasoning_keys(key[1]):
            extra = {"$item": reasoning_extra(item)}
        part = self._new_part(key)
        return (
            ReasoningDelta(
                part,
                text,
                id=item.get("id"),
                encrypted=encrypted,
                summary=summary,
                extensions={NAME: extra},
            ),
        )

    def _reasoning_keys(self, index: Any) -> list[_Key]:
        return [key for key in self._parts if key[1] == index and key[0] in ("summary", "thought")]

    def _arguments_delta(self, wire: _Wire) -> Sequence[StreamEvent]:
        part = self._parts.get(("call", wire.output_index, 0))
        if part is None:
            return _NOTHING  # the call gets its name from its item
        self._done.add(("arguments", wire.output_index))
        return (ToolCallDelta(part, wire.delta),)

    def _arguments_done(self, wire: _Wire) -> Sequence[StreamEvent]:
        arguments = wire.input if wire.arguments is None else wire.arguments
        if not arguments or ("arguments", wire.output_index) in self._done:
            return _NOTHING
        wire.delta = arguments
        return self._arguments_delta(wire)

    def _item_done(self, wire: _Wire) -> Sequence[StreamEvent]:
        if not isinstance(wire.item, dict) or wire.output_index in self._done:
            return _NOTHING
        return self._whole_item(wire.output_index, wire.item)

    def _whole_item(self, index: Any, item: JSON) -> list[StreamEvent]:
        self._done.add(index)
        self._items[index] = item
        if item.get("type") == "reasoning":
            return self._rest_of_reasoning(index, item)
        events: list[StreamEvent] = []
        parts = model_parts(item, "item")
        if parts is None:
            parts = [Opaque(NAME, str(item.get("type")), item)]
        for place, part in enumerate(parts):
            events += self._rest_of(part, index, place)
        return events

    def _rest_of(self, part: Any, index: Any, place: int) -> Sequence[StreamEvent]:
        wire = _Wire(output_index=index, content_index=place)
        match part:
            case Text():
                wire.text, wire.logprobs = part.text, own(part.extensions).get("logprobs")
                return [*self._text_done(wire), *self._rest_of_citations(part, index, place)]
            case Refusal():
                wire.refusal = part.text
                return self._refusal_done(wire)
            case ToolCall():
                wire.arguments = part.arguments
                begun = ("call", index, 0) in self._parts
                events = () if begun else self._begin_call(index, part)
                return [*events, *self._arguments_done(wire)]
            case _:
                return (PartAdded(self._new_part(("whole", index, place)), part),)

    def _rest_of_citations(self, part: Text, index: Any, place: int) -> list[StreamEvent]:
        key = ("text", index, place)
        sent = self._cited.get(key, 0)
        if key not in self._parts:
            return []
        return [CitationAdded(self._parts[key], cited) for cited in part.citations[sent:]]

    def _rest_of_reasoning(self, index: Any, item: JSON) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        places = {True: 0, False: 0}
        key: _Key = ("summary", index, 0)
        for part in reasoning_parts(item):
            key = ("summary" if part.summary else "thought", index, places[part.summary])
            places[part.summary] += 1
            if key not in self._parts and part.text:
                events += self._thought(key, part.text)
        encrypted = item.get("encrypted_content")
        if encrypted is not None or not self._reasoning_keys(index):
            events += self._thought(key, "", encrypted)
        return events

    def _completed(self, wire: _Wire) -> Sequence[StreamEvent]:
        response = _response_in(wire)
        self._over = True
        events: list[StreamEvent] = []
        for index, item in enumerate(response.get("output") or ()):
            if index not in self._done:
                events += self._whole_item(index, item)
        status = response.get("status") or str(wire.type).removeprefix("response.")
        reason, detail = finish_of(status, response.get("incomplete_details"), calls=self._calls)
        events.append(Finished(reason, 0, detail))
        usage = read_usage(response.get("usage"))
        if usage is not None:
            events.append(UsageReported(usage))
        events.append(Ended({NAME: response_extra(response)}))
        return events

    def _failed(self, wire: _Wire) -> Sequence[StreamEvent]:
        return self._broken((wire.response or {}).get("error"))

    def _error(self, wire: _Wire) -> Sequence[StreamEvent]:
        return self._broken(wire.error or {"message": wire.message, "code": wire.code})

    def _broken(self, error: Any) -> Sequence[StreamEvent]:
        if self._over:
            return _NOTHING  # OpenAI reports it twice, as an error and as a failed response
        self._over = True
        return (failed_event(error),)

    _HANDLERS: ClassVar[dict[Any, Callable[[Any, _Wire], Sequence[StreamEvent]]]] = {
        "response.created": _created,
        "response.output_item.added": _added,
        "response.output_item.done": _item_done,
        "response.output_text.delta": _text_delta,
        "response.output_text.done": _text_done,
        "response.output_text.annotation.added": _annotation,
        "response.refusal.delta": _refusal_delta,
        "response.refusal.done": _refusal_done,
        "response.reasoning_summary_text.delta": _summary_delta,
        "response.reasoning_text.delta": _reasoning_delta,
        "response.function_call_arguments.delta": _arguments_delta,
        "response.function_call_arguments.done": _arguments_done,
        "response.custom_tool_call_input.delta": _arguments_delta,
        "response.custom_tool_call_input.done": _arguments_done,
        "response.completed": _completed,
        "response.incomplete": _completed,
        "response.failed": _failed,
        "error": _error,
    }


def _response_in(wire: _Wire) -> JSON:
    response: JSON = {**(wire.response or {})}
    response["output"] = response.get("output") or []
    check(response, AnswerShape, "response")
    return response
