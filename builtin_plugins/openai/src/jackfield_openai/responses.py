"""The dialect `openai.responses`: OpenAI's Responses API and everything compatible with it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.fields import object_fields
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from . import failures
from .custom_calls import restored_stream
from .deltas import delta_of_call, is_audio
from .losses import OF_RESPONSES
from .responses_content import NAME
from .responses_request import parse_request
from .responses_request_renderer import render_request
from .responses_response import parse_response, render_response
from .responses_stream_parser import ResponsesParser
from .responses_stream_renderer import ResponsesRenderer
from .responses_usage import ResponsesMeter, usage_of
from .tool_texts import IN_EVENTS, IN_ITEMS

_ITEM_TEXTS = (
    "content",
    "content/*/text",
    "content/*/refusal",
    "summary/*/text",
)
_ENDS: Mapping[Any, Terminal] = {
    "response.completed": "end",
    "response.incomplete": "end",
    "response.failed": "error",
    "error": "error",
}


class _Kind(msgspec.Struct):
    type: Any = None
    error: Any = None


_decode_kind = msgspec.json.Decoder(_Kind).decode


class ResponsesDialect(Dialect):
    """Responses."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    incidental = Dialect.incidental | OF_RESPONSES
    understood = frozenset({"openai.chat.moderation"})
    tool_names: ClassVar[str] = r"[a-zA-Z0-9_-]{1,64}"
    output_limit: ClassVar[Path] = ("max_output_tokens",)
    request_texts: ClassVar[tuple[str, ...]] = (
        "instructions",
        "input",
        *(f"input/*/{path}" for path in _ITEM_TEXTS),
        "input/*/output",
        "input/*/output/*/text",
    )
    response_texts: ClassVar[tuple[str, ...]] = tuple(f"output/*/{path}" for path in _ITEM_TEXTS)
    event_texts: ClassVar[tuple[str, ...]] = (
        "delta",
        "text",
        "refusal",
        "part/text",
        "part/refusal",
        *(f"item/{path}" for path in _ITEM_TEXTS),
        *(f"response/output/*/{path}" for path in _ITEM_TEXTS),
    )
    request_tools: ClassVar[tuple[str, ...]] = tuple(f"input/*/{path}" for path in IN_ITEMS)
    response_tools: ClassVar[tuple[str, ...]] = tuple(f"output/*/{path}" for path in IN_ITEMS)
    event_tools: ClassVar[tuple[str, ...]] = IN_EVENTS
    terminal_hints: ClassVar[tuple[bytes, ...]] = (
        b"response.completed",
        b"response.incomplete",
        b"response.failed",
        b'"error"',
    )

    def patterns_of_event(self, data: bytes, *, tools: bool) -> tuple[str, ...]:
        if (path := delta_of_call(data)) is not None:
            return path if tools else ()
        return super().patterns_of_event(data, tools=tools)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        fields = object_fields(tree)
        stream, limit = fields.flag("stream") or False, fields.integer("max_output_tokens")
        model = fields.text("model")
        if model is None and not tree.get("prompt"):  # a stored prompt may name the model
            raise InvalidRequest("The request names no model: set 'model'.", param="model")
        return Peek(model, stream, limit)

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of an event; events with audio are skipped."""
        return None if is_audio(event) else super().event_data(event)

    def terminal(self, event: bytes) -> Terminal | None:
        """The final response ends a stream; an `error` event, in any form, aborts it."""
        if not any(hint in event for hint in self.terminal_hints):
            return None
        try:
            kind = _decode_kind(sse.data_of(event) or b"")
        except failures.UNREADABLE:
            return None
        end = _ENDS.get(kind.type) if isinstance(kind.type, str) else None
        return "error" if end is None and kind.error else end

    def usage(self, body: bytes) -> Usage | None:
        return usage_of(body)

    def usage_meter(self) -> UsageMeter:
        return ResponsesMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        members = failures.error_object(error, request_id)
        # Documented with flat members; OpenAI sends the object, which its SDK raises.
        value = {
            "type": "error",
            "code": members["code"],
            "message": members["message"],
            "param": members["param"],
            "error": members,
            "sequence_number": 0,
        }
        return sse.encode(msgspec.json.encode(value), "error")

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return parse_request(tree)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return render_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        return parse_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return render_response(answer_of(response), chat_of(request))

    def stream_parser(self) -> StreamParser:
        return ResponsesParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        chat = chat_of(request)
        return restored_stream(ResponsesRenderer(chat), chat.tools)
