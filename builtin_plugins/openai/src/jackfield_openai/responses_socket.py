"""The dialect `openai.responses_socket`: the Responses API over a WebSocket.

Each `response.create` is a request of that API and names the model; its answer's events are those
of a stream, without their SSE framing.
"""

from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime, sse
from jackfield.dialects import UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.json_spans import Path
from jackfield.messages import Bill, Usage
from jackfield.realtime import MESSAGES, WEBSOCKET

from . import failures
from .deltas import is_no_text
from .responses import ResponsesDialect
from .responses_usage import ResponsesMeter

_CREATE: Final = "response.create"
_ENDS: Final = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')


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

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; messages with a non-text `delta` are skipped."""
        return None if is_no_text(event) else super().event_data(event)

    def model_needed(self, tree: Any) -> Path | None:
        """A request without a model gets the session's, not one of the provider's choice."""
        creates = isinstance(tree, dict) and tree.get("type") == _CREATE
        return ("model",) if creates and tree.get("model") is None else None

    def usage_meter(self) -> UsageMeter:
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


class ResponsesSocketMeter:
    """Adds up the usage of a session's responses."""

    def __init__(self) -> None:
        self._total: Usage | None = None

    def feed(self, events: bytes) -> None:
        """Process a batch of messages."""
        if not any(end in events for end in _ENDS):
            return
        for event in MESSAGES.split(events):
            data = MESSAGES.data_of(event) if any(end in event for end in _ENDS) else None
            used = _used(data) if data is not None else None
            if used is not None:
                self._total = used if self._total is None else _sum(self._total, used)

    def usage(self) -> Usage | None:
        """The sum so far; None if nothing was reported yet."""
        return self._total


def _used(data: bytes) -> Usage | None:
    meter = ResponsesMeter()
    meter.feed(sse.encode(data))
    used = meter.usage()
    return replace(used, extensions={}) if used is not None else None


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
