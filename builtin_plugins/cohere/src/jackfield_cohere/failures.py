"""Cohere's errors: written for callers, read from providers."""

from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError, ProviderError
from jackfield.events import Failed

_LONGEST: Final = 2000
"""Maximum characters kept of a provider's message."""

_GIVEN_UP: Final = {
    "ERROR": "The model failed before its answer was whole.",
    "TIMEOUT": "The model ran out of time before its answer was whole.",
}
"""The message for an answer that was aborted without a reason."""


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response; clients distinguish errors by their status."""
    body = {"id": request_id, "message": error.message}
    kind = error.error_type if isinstance(error, ProviderError) else None
    if kind is not None:
        body["error_type"] = kind
    return msgspec.json.encode(body)


def render_error_event(error: GatewayError, request_id: str) -> bytes:
    """The event that ends a stream early."""
    return _message_end(error.message, request_id)


def render_failed(failed: Failed) -> bytes:
    """The event for a provider's error inside a stream."""
    return _message_end(failed.message, None)


def _message_end(message: str, identity: str | None) -> bytes:
    end: dict[str, Any] = {
        "type": "message-end",
        "delta": {"finish_reason": "ERROR", "error": message},
    }
    if identity is not None:
        end["id"] = identity
    return sse.encode(msgspec.json.encode(end), "message-end")


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body, or of an event that is an error."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None
    failure = read_failure(value)
    if failure.message:
        return failure
    return UpstreamFailure(f"The provider answered {status} without a message.")


def read_failure(value: Any) -> UpstreamFailure:
    """The failure in an error's JSON; its message is empty if there is none."""
    if isinstance(value, str):
        return UpstreamFailure(value[:_LONGEST])
    if not isinstance(value, dict):
        return UpstreamFailure("")
    for key in ("error", "delta"):
        inner = value.get(key)
        if isinstance(inner, dict) or (isinstance(inner, str) and inner):
            return read_failure(inner)
    given_up = _GIVEN_UP.get(str(value.get("finish_reason")))
    message = value.get("message") or value.get("detail") or given_up
    kind, code = value.get("error_type") or value.get("type"), value.get("code")
    return UpstreamFailure(
        message=message[:_LONGEST] if isinstance(message, str) else "",
        type=kind if isinstance(kind, str) else None,
        code=code if isinstance(code, str) else None,
    )
