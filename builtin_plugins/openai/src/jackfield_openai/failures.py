"""OpenAI's error object: written for callers, read from providers."""

from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError, ProviderError
from jackfield.events import Failed

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for invalid JSON, invalid UTF-8 and excessive nesting."""

_LINE = 200
_LONGEST = 2000
"""Maximum characters kept of a provider's message."""


def error_object(error: GatewayError, request_id: str) -> dict[str, Any]:
    """The object under `error`. A provider's own type and code take precedence."""
    kind = code = None
    if isinstance(error, ProviderError):
        kind, code = error.error_type, error.error_code
    return {
        "message": error.message,
        "type": kind or type_of(error.http_status),
        "param": error.param,
        "code": code or error.code,
        "request_id": request_id,
    }


def type_of(status: int) -> str:
    """OpenAI's error type for an HTTP status."""
    if status >= 500:
        return "server_error"
    return _TYPES.get(status, "invalid_request_error")


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response."""
    return msgspec.json.encode({"error": error_object(error, request_id)})


def render_error_event(error: GatewayError, request_id: str) -> bytes:
    """The event that ends a stream of chunks early."""
    return sse.encode(render_error(error, request_id))


def render_failed(failed: Failed) -> bytes:
    """The event for a provider's error inside a stream."""
    status = failed.status or 500
    value = {
        "message": failed.message,
        "type": failed.type or type_of(status),
        "param": None,
        "code": failed.code,
    }
    return sse.encode(msgspec.json.encode({"error": value}))


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body, in OpenAI's form or that of compatible servers."""
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        value = _plain(body)
    if isinstance(value, list) and value:
        value = value[0]
    failure = read_failure(value)
    if failure.message:
        return failure
    return UpstreamFailure(f"The provider answered {status} without a message.")


def _plain(body: bytes) -> str | None:
    """A line of plain text, as Go servers send it; HTML pages are ignored."""
    if len(body) >= _LINE or not body.isascii() or b"<" in body:
        return None
    text = body.decode().strip()
    return text if text.isprintable() else None


def read_failure(value: Any) -> UpstreamFailure:
    """The failure in an error's JSON; its message is empty if there is none."""
    if isinstance(value, str):
        return UpstreamFailure(value[:_LONGEST])
    if not isinstance(value, dict):
        return UpstreamFailure("")
    inner, failed = value.get("error"), value.get("response")
    if inner is None and isinstance(failed, dict):  # the event `response.failed`
        inner = failed.get("error")
    if inner is None:
        inner = choice_error(value)
    if isinstance(inner, dict) or (isinstance(inner, str) and "message" not in value):
        return read_failure(inner)
    message = _message(value)
    return UpstreamFailure(
        message=message[:_LONGEST],
        type=_word(value.get("type")),
        code=_word(value.get("code")),
        param=_word(value.get("param")),
        status=_status(value),
    )


def error_in(chunk: Any) -> Any:
    """The error that a stream's event contains or is, else None.

    An event without `choices` whose message stands alone is one too: the gateways and proxies in
    front of compatible servers send their errors so.
    """
    if not isinstance(chunk, dict):
        return None
    inner = chunk.get("error")
    if inner:
        return inner
    bare = "choices" not in chunk and any(isinstance(chunk.get(key), str) for key in _BARE)
    return chunk if bare or chunk.get("object") == "error" else None


_BARE: Final = ("message", "detail")


def choice_error(answer: dict[str, Any]) -> Any:
    """The error of the first choice that has one, as OpenRouter reports failures."""
    choices = answer.get("choices")
    if not isinstance(choices, list):
        return None
    return next((c["error"] for c in choices if isinstance(c, dict) and c.get("error")), None)


_BY_CODE: Final = {"rate_limit_exceeded": 429, "invalid_prompt": 400}
"""The status of a failed response, which has only a code."""


def _status(error: dict[str, Any]) -> int | None:
    numbers = (error.get("status_code"), error.get("status"), error.get("code"))
    found = (n for n in numbers if type(n) is int and 400 <= n < 600)
    return next(found, _BY_CODE.get(str(error.get("code"))))


def _message(value: dict[str, Any]) -> str:
    for key in ("message", "detail", "msg", "errors"):
        detail = value.get(key)
        if isinstance(detail, list | dict) and detail:  # FastAPI and Mistral list the errors
            detail = "; ".join(_details(detail))
        if isinstance(detail, str) and detail:
            return detail + _cause(value)
    return ""


_TEXTS: Final = ("msg", "message", "error")
"""The members of an error detail that may contain its message."""


def _details(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        detail = detail.get("detail", [detail])
    return [
        str(next(filter(None, map(item.get, _TEXTS)), "")) if isinstance(item, dict) else str(item)
        for item in (detail if isinstance(detail, list) else [detail])
    ]


def _cause(value: dict[str, Any]) -> str:
    # OpenRouter says "Provider returned error" and puts the provider's message here.
    metadata = value.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f" ({raw})" if isinstance(raw, str) and raw else ""


def _word(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def failed_event(value: Any) -> Failed:
    """The canonical event for an error object inside a stream."""
    failure = read_failure(value)
    message = failure.message or "The provider broke the stream off with an error."
    return Failed(message, failure.type, failure.code, failure.status)
