"""The dialect `openai.responses_socket`: the Responses API over a WebSocket.

Each `response.create` is a request of that API and names the model; its answer's events are those
of a stream, without their SSE framing.
"""

from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime, sse
from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError
from jackfield.http import WEBSOCKET
from jackfield.json_spans import Path
from jackfield.messages import Bill, Usage
from jackfield.realtime import MESSAGES

from . import failures
from .deltas import delta_of_call, is_audio
from .responses import ResponsesDialect
from .responses_usage import ResponsesMeter
from .session_meter import Event, SessionMeter

_CREATE: Final = "response.create"


class ResponsesSocketDialect(realtime.RealtimeDialect):
    """Responses one after another, passed through message by message."""

    name: ClassVar[str] = "openai.responses_socket"
    first_message: ClassVar[float | None] = 60.0
    model_paths: ClassVar[tuple[Path, ...]] = (("model",),)
    model_marks: ClassVar[tuple[bytes, ...]] = (
        *realtime.RealtimeDialect.model_marks,
        _CREATE.encode(),
    )
    request_texts: ClassVar[tuple[str, ...]] = ResponsesDialect.request_texts
    event_texts: ClassVar[tuple[str, ...]] = ResponsesDialect.event_texts
    request_tools: ClassVar[tuple[str, ...]] = ResponsesDialect.request_tools
    event_tools: ClassVar[tuple[str, ...]] = ResponsesDialect.event_tools

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; messages with audio are skipped."""
        return None if is_audio(event) else super().event_data(event)

    def patterns_of_event(self, data: bytes, *, tools: bool) -> tuple[str, ...]:
        if (path := delta_of_call(data)) is not None:
            return path if tools else ()
        return super().patterns_of_event(data, tools=tools)

    def model_needed(self, tree: Any) -> Path | None:
        """A request without a model gets the session's, not one of the provider's choice."""
        creates = isinstance(tree, dict) and tree.get("type") == _CREATE
        return ("model",) if creates and tree.get("model") is None else None

    def usage_meter(self) -> realtime.SessionMeter:
        return ResponsesSocketMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def error_message(self, error: GatewayError, request_id: str) -> bytes:
        wire = failures.error_object(error, request_id)
        del wire["request_id"]
        return msgspec.json.encode({"type": "error", "status": error.http_status, "error": wire})

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


RESPONSES_SOCKET: Final = ResponsesSocketDialect()


def socket_endpoint(prefix: str) -> Endpoint:
    """The endpoint that opens a WebSocket for responses, below a prefix."""
    path = "/responses"
    return Endpoint(WEBSOCKET, prefix + path, RESPONSES_SOCKET, "realtime", "inference", path)


class ResponsesSocketMeter(SessionMeter):
    """Adds up the usage of a session's responses."""

    def used(self, event: Event, message: bytes) -> Usage | None:
        meter = ResponsesMeter()
        meter.feed(sse.encode(MESSAGES.data_of(message) or b""))
        used = meter.usage()
        return replace(used, extensions={}) if used is not None else None

    def added(self, one: Usage, other: Usage) -> Usage:
        return _sum(one, other)


def _sum(one: Usage, other: Usage) -> Usage:
    """The usage of both, each billed as it would be alone.

    Their tiers, images and prices may differ.
    """
    units = {name: one.units.get(name, 0) + other.units.get(name, 0) for name in one.units}
    bills = (*(one.bills or (Bill(one),)), *(other.bills or (Bill(other),)))
    cost = None if one.cost is None or other.cost is None else one.cost + other.cost
    return replace(
        realtime.added(one, other), units={**other.units, **units}, cost=cost, bills=bills
    )
