"""Google's error object: written for callers, read from providers."""

import re
from typing import Any, Final

import msgspec

from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError, ProviderError
from jackfield.events import Failed

from .fields import UNREADABLE

_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_WORDS: Final = frozenset(
    {
        *_STATUSES.values(),
        *("ALREADY_EXISTS", "DATA_LOSS", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNKNOWN"),
    }
)
_LONGEST = 2000
"""Maximum characters kept of a provider's message."""

_TYPE: Final = "type.googleapis.com/google.rpc."
_DELAY: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
_LONGEST_DELAY: Final = 86_400.0


def status_of(code: int) -> str:
    """Google's status name for an HTTP status."""
    return _STATUSES.get(code) or ("INVALID_ARGUMENT" if code < 500 else "INTERNAL")


def error_object(error: GatewayError, request_id: str) -> dict[str, Any]:
    """The object under `error`. A provider's own status name wins if it is one of Google's."""
    code = error.http_status
    word = error.error_type if isinstance(error, ProviderError) else None
    details: list[dict[str, Any]] = [
        {"@type": _TYPE + "ErrorInfo", "reason": _reason(error), "domain": "jackfield"},
        {"@type": _TYPE + "RequestInfo", "requestId": request_id},
    ]
    if error.param:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        delay = f"{error.retry_after:g}s"
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": delay})
    status = word if word in _WORDS else status_of(code)
    return {"code": code, "message": error.message, "status": status, "details": details}


def _reason(error: GatewayError) -> str:
    code = error.error_code if isinstance(error, ProviderError) else None
    return (code or error.code).upper()


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response."""
    return msgspec.json.encode({"error": error_object(error, request_id)})


def render_failed(failed: Failed) -> bytes:
    """The element for a provider's error inside a stream."""
    code = failed.status or 500
    status = failed.type if failed.type in _WORDS else status_of(code)
    value = {"code": code, "message": failed.message, "status": status}
    return msgspec.json.encode({"error": value})


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body; in an array stream the error is in an array."""
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        value = None
    failure = read_failure(value)
    if failure.message:
        return failure
    return UpstreamFailure(f"The provider answered {status} without a message.")


def read_failure(value: Any) -> UpstreamFailure:
    """The failure in an error's JSON; its message is empty if there is none."""
    if isinstance(value, list) and value:
        value = value[0]
    inner = value.get("error") if isinstance(value, dict) else None
    if isinstance(inner, str):
        return UpstreamFailure(inner[:_LONGEST])
    if not isinstance(inner, dict):
        return UpstreamFailure("")
    message, word, code = inner.get("message"), inner.get("status"), inner.get("code")
    return UpstreamFailure(
        message=message[:_LONGEST] if isinstance(message, str) else "",
        type=word if isinstance(word, str) else None,
        code=_detail(inner, "ErrorInfo", "reason"),
        param=_field(inner),
        retry_after=_delay(inner),
        status=code if type(code) is int and 400 <= code < 600 else None,
    )


def _details(error: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    details = error.get("details")
    if not isinstance(details, list):
        return []
    return [d for d in details if isinstance(d, dict) and d.get("@type") == _TYPE + kind]


def _detail(error: dict[str, Any], kind: str, key: str) -> str | None:
    found = [detail.get(key) for detail in _details(error, kind)]
    return next((word for word in found if isinstance(word, str)), None)


def _delay(error: dict[str, Any]) -> float | None:
    """Seconds to wait: Google names them here instead of in the header `retry-after`."""
    found = _DELAY.fullmatch(_detail(error, "RetryInfo", "retryDelay") or "")
    return min(float(found[1]), _LONGEST_DELAY) if found else None


def _field(error: dict[str, Any]) -> str | None:
    for detail in _details(error, "BadRequest"):
        violations = detail.get("fieldViolations")
        for violation in violations if isinstance(violations, list) else ():
            field = violation.get("field") if isinstance(violation, dict) else None
            if isinstance(field, str) and field:
                return field
    return None


def failed_event(value: Any) -> Failed:
    """The canonical event for an error element of a stream."""
    failure = read_failure(value)
    message = failure.message or "The provider broke the stream off with an error."
    return Failed(message, failure.type, failure.code, failure.status)
