"""Ollama's error object, `{"error": "…"}`: written for callers, read from providers."""

from typing import Any

import msgspec

from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError
from jackfield.events import Failed

_LONGEST = 2000
"""Maximum characters kept of a provider's message."""


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response."""
    return msgspec.json.encode({"error": error.message})


def render_error_event(error: GatewayError, request_id: str) -> bytes:
    """The line that ends a stream early."""
    return render_error(error, request_id) + b"\n"


def render_failed(failed: Failed) -> bytes:
    """The line for a provider's error inside a stream."""
    return msgspec.json.encode({"error": failed.message}) + b"\n"


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body; Go's router answers unknown paths with plain text."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = body.decode("utf-8", "replace").strip()
    failure = read_failure(value)
    if failure.message:
        return failure
    return UpstreamFailure(f"The provider answered {status} without a message.")


def read_failure(value: Any) -> UpstreamFailure:
    """The failure in an error's JSON, also in OpenAI's form; its message is empty without one."""
    if isinstance(value, str):
        return UpstreamFailure(value[:_LONGEST])
    if not isinstance(value, dict):
        return UpstreamFailure("")
    inner = value.get("error")
    if inner is not None:
        return read_failure(inner)
    message = value.get("message")
    return UpstreamFailure(
        message[:_LONGEST] if isinstance(message, str) else "",
        type=_word(value.get("type")),
        code=_word(value.get("code")),
    )


def failed_event(line: dict[str, Any]) -> Failed:
    """The canonical event for an error inside a stream."""
    failure = read_failure(line)
    message = failure.message or "The provider broke the stream off with an error."
    return Failed(message, failure.type, failure.code)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
