"""Anthropic's error object: written for callers, read from providers.

Source: Anthropic's page on errors, for the type of each status.
"""

from typing import Any, Final

import msgspec

from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError, LossRefused, ProviderError
from jackfield.events import Failed

from .fields import NAME, THREAD, UNREADABLE

_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPES: Final = {status: kind for kind, status in _STATUSES.items()} | {503: "overloaded_error"}
_NO_THREADS: Final = {
    "conversation.server_state": "thread_not_found",
    f"{NAME}.{THREAD}": "thread_unsupported_request",
}
"""Losses after which Anthropic's SDK resends the whole conversation, with the codes it expects."""

_LONGEST: Final = 2000
"""Maximum characters kept of a provider's message."""


def type_of(status: int) -> str:
    """Anthropic's error type for an HTTP status."""
    return _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def error_body(error: GatewayError, request_id: str) -> bytes:
    """The JSON of an error. A provider's code wins, and its type if it is one of Anthropic's."""
    stated, code = None, error.code
    if isinstance(error, ProviderError):
        stated, code = error.error_type, error.error_code or code
    elif isinstance(error, LossRefused):
        code = next((of for lost, of in _NO_THREADS.items() if lost in error.message), code)
    kind = stated if stated in _STATUSES else type_of(error.http_status)
    return _body(kind or "api_error", error.message, code, request_id)


def failed_body(failed: Failed) -> bytes:
    """The JSON of a provider's error inside a stream."""
    kind = failed.type if failed.type in _STATUSES else type_of(failed.status or 500)
    return _body(kind or "api_error", failed.message, failed.code, None)


def _body(kind: str, message: str, code: str | None, request_id: str | None) -> bytes:
    error: dict[str, Any] = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body, even if a proxy in front of the API wrote it."""
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        value = None
    inner = value.get("error", value) if isinstance(value, dict) else None
    failure = _read_failure(inner)
    if failure.message:
        return failure
    return UpstreamFailure(f"The provider answered {status} without a message.")


def _read_failure(error: Any) -> UpstreamFailure:
    if isinstance(error, str):
        return UpstreamFailure(error[:_LONGEST])
    if not isinstance(error, dict):
        return UpstreamFailure("")
    message, details = error.get("message"), error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    kind = error.get("type")
    return UpstreamFailure(
        message[:_LONGEST] if isinstance(message, str) else "",
        kind if isinstance(kind, str) else None,
        code if isinstance(code, str) else None,
        status=_STATUSES.get(kind) if isinstance(kind, str) else None,
    )


def failed_event(error: Any) -> Failed:
    """The canonical event for an error inside a stream."""
    failure = _read_failure(error)
    message = failure.message or "The provider broke the stream off with an error."
    return Failed(message, failure.type, failure.code, failure.status)
