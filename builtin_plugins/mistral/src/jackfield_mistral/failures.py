"""Mistral's errors in their three forms: written for callers, read from providers."""

from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.dialects import UpstreamFailure, installed
from jackfield.errors import GatewayError, ProviderError
from jackfield.events import Failed

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for invalid JSON, invalid UTF-8 and excessive nesting."""

_TYPES: Final = {404: "invalid_model", 429: "rate_limited"}
_OPENAI: Final = installed("openai.chat")


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response; invalid keys and invalid fields have their own forms."""
    if error.http_status == 401:
        return msgspec.json.encode({"detail": error.message})
    if error.http_status == 422:
        where = ["body", *(error.param or "").split(".")] if error.param else ["body"]
        wrong = {"type": "value_error", "loc": where, "msg": error.message, "input": None}
        return msgspec.json.encode({"detail": [wrong]})
    return msgspec.json.encode(error_object(error, request_id))


def error_object(error: GatewayError, request_id: str) -> dict[str, Any]:
    """The usual form. A provider's own type and code take precedence: clients check them."""
    kind = code = None
    if isinstance(error, ProviderError):
        kind, code = error.error_type, error.error_code
    return {
        "object": "error",
        "message": error.message,
        "type": kind or _type_of(error.http_status),
        "param": error.param,
        "code": code or error.code,
        "request_id": request_id,
    }


def _type_of(status: int) -> str:
    if status >= 500:
        return "internal_server_error"
    return _TYPES.get(status, "invalid_request_error")


def render_error_event(error: GatewayError, request_id: str) -> bytes:
    """The event that ends a stream early."""
    return sse.encode(msgspec.json.encode(error_object(error, request_id)))


def render_failed(failed: Failed) -> bytes:
    """The event for a provider's error inside a stream."""
    value = {
        "object": "error",
        "message": failed.message,
        "type": failed.type or _type_of(failed.status or 500),
        "param": None,
        "code": failed.code,
    }
    return sse.encode(msgspec.json.encode(value))


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body in any of the forms."""
    return _OPENAI.parse_error(status, body)
