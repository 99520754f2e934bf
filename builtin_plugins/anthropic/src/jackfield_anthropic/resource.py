"""The dialect `anthropic.resource`: Anthropic's other endpoints, passed through unchanged.

These are batches, files, models, skills, agents' sessions and the legacy completions. Two of them
stream: completions, whose last event has a `stop_reason`, and sessions, which have no last event.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import Peek, Terminal, UsageMeter
from jackfield.errors import GatewayError
from jackfield.fields import object_fields
from jackfield.framing import SSE
from jackfield.messages import Usage

from . import failures
from .dialect import AnthropicDialect
from .fields import UNREADABLE
from .messages import encode_event
from .messages_usage import MessagesMeter, read_usage


class ResourceDialect(AnthropicDialect):
    """Everything except messages and counting; only errors are parsed."""

    name: ClassVar[str] = "anthropic.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    request_texts: ClassVar[tuple[str, ...]] = ("prompt",)
    response_texts: ClassVar[tuple[str, ...]] = ("completion",)
    event_texts: ClassVar[tuple[str, ...]] = ("completion",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"stop_reason", b"message_stop", b"error")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        if not isinstance(tree, dict):  # lists, deletions and the like
            return Peek(params.get("model"))
        fields = object_fields(tree, "")
        return Peek(fields.text("model") or params.get("model"), bool(fields.flag("stream")))

    def terminal(self, event: bytes) -> Terminal | None:
        parsed = sse.parse(event)
        if parsed.data is None:
            return None
        value = _decoded(parsed.data)
        kind = value.get("type")
        if parsed.event == "error" or kind == "error" or (kind is None and value.get("error")):
            return "error"
        ended = kind == "message_stop" or isinstance(value.get("stop_reason"), str)
        return "end" if ended else None

    def finishes(self, event: bytes) -> bool:
        """Whether it is an event of a session, whose stream ends with the connection."""
        return "." in str(_decoded(sse.data_of(event) or b"{}").get("type"))

    def usage(self, body: bytes) -> Usage | None:
        return read_usage(_decoded(body).get("usage"))

    def usage_meter(self) -> UsageMeter:
        return MessagesMeter(SSE)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return encode_event("error", failures.error_body(error, request_id))


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}
