"""AWS's errors: written for callers, read from providers, in bodies and in streams."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError, ProviderError
from jackfield.events import Failed

from .event_stream import Message, encode_exception

_LONGEST: Final = 2000
"""Maximum characters kept of a provider's message."""

_HEADER: Final = "x-amzn-errortype"
_EXCEPTIONS: Final[Mapping[int, str]] = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
    529: "ServiceUnavailableException",
}
_KNOWN: Final = frozenset(_EXCEPTIONS.values()) | {
    "InternalServerException",
    "ModelNotReadyException",
    "ModelStreamErrorException",
    "ServiceQuotaExceededException",
    "ValidationException",
}
_STATUSES: Final[Mapping[str, int]] = {
    "accessdeniedexception": 403,
    "internalserverexception": 500,
    "modelerrorexception": 424,
    "modelnotreadyexception": 429,
    "modelstreamerrorexception": 424,
    "modeltimeoutexception": 408,
    "resourcenotfoundexception": 404,
    "servicequotaexceededexception": 429,
    "serviceunavailableexception": 503,
    "throttlingexception": 429,
    "validationexception": 400,
}
# Exceptions allowed in a stream: fewer than in an answer.
_IN_STREAM: Final[Mapping[str, str]] = {
    "ModelTimeoutException": "modelTimeoutException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "ThrottlingException": "throttlingException",
    "ValidationException": "validationException",
    "ModelErrorException": "modelStreamErrorException",
    "ModelStreamErrorException": "modelStreamErrorException",
}
_CONVERSE_LACKS: Final = "modelTimeoutException"
_ANTHROPIC: Final[Mapping[str, str]] = {
    "accessdeniedexception": "permission_error",
    "modeltimeoutexception": "timeout_error",
    "resourcenotfoundexception": "not_found_error",
    "serviceunavailableexception": "overloaded_error",
    "throttlingexception": "rate_limit_error",
    "validationexception": "invalid_request_error",
}


def exception_of(error: GatewayError) -> str:
    """AWS's exception for an error; the provider's own if it is one of Bedrock's."""
    if isinstance(error, ProviderError) and error.error_type in _KNOWN:
        return str(error.error_type)
    return _of_status(error.http_status)


def _of_status(status: int) -> str:
    if status < 500:
        return _EXCEPTIONS.get(status, "ValidationException")
    return _EXCEPTIONS.get(status, "InternalServerException")


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response. SDKs read `__type` if the header is missing."""
    return msgspec.json.encode({"__type": exception_of(error), "message": error.message})


def error_headers(error: GatewayError) -> Mapping[str, str]:
    """The header in which SDKs look for the exception."""
    return {_HEADER: exception_of(error)}


def exception_payload(message: str) -> bytes:
    """The payload of an exception in a stream."""
    return msgspec.json.encode({"message": message})


def render_exception(message: str, kind: str) -> bytes:
    """The exception that ends a Converse stream."""
    name = _IN_STREAM.get(kind, "internalServerException")
    if name == _CONVERSE_LACKS:
        name = "modelStreamErrorException"
    return encode_exception(name, exception_payload(message))


def render_failed(failed: Failed) -> bytes:
    """The exception for a provider's error inside a stream."""
    name = failed.type if failed.type in _KNOWN else _of_status(failed.status or 500)
    return render_exception(failed.message, str(name))


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error body. Without an exception's name, the status determines it."""
    members = _read(body)
    inner = members.get("error")
    message = members.get("message") or members.get("Message")
    if message is None and isinstance(inner, dict):
        message = inner.get("message")
    if not isinstance(message, str) or not message:
        message = f"The provider answered {status} without a message."
    kind = members.get("__type") or members.get("code")
    if not isinstance(kind, str):
        return UpstreamFailure(message[:_LONGEST], _of_status(status))
    return UpstreamFailure(message[:_LONGEST], kind.partition(":")[0].rpartition("#")[2])


def failure_with(failure: UpstreamFailure, headers: Mapping[str, str]) -> UpstreamFailure:
    """The failure, with the exception that most answers name only in a header."""
    kind = headers.get(_HEADER, "").partition(":")[0]
    return replace(failure, type=kind) if kind else failure


def failed_event(message: Message) -> Failed:
    """The canonical event for an exception or an error in a stream."""
    kind = message.kind
    members = _read(message.payload)
    text = members.get("message") or members.get("Message") or message.headers.get(":error-message")
    if not isinstance(text, str) or not text:
        text = "The provider broke the stream off with an error."
    name = kind[:1].upper() + kind[1:] if kind else None
    return Failed(text[:_LONGEST], name, status=_STATUSES.get(kind.lower()))


def error_data(message: Message) -> bytes:
    """The content of an exception, as the body of an error."""
    failed = failed_event(message)
    return msgspec.json.encode({"__type": failed.type, "message": failed.message})


def anthropic_error_data(message: Message) -> bytes:
    """The same as an error event of Anthropic's API."""
    failed = failed_event(message)
    kind = _ANTHROPIC.get(message.kind.lower(), "api_error")
    error = {"type": kind, "message": failed.message}
    return msgspec.json.encode({"type": "error", "error": error, "__type": failed.type})


def exception_of_type(kind: str) -> str:
    """The stream exception for Anthropic's type of error."""
    for name, known in _ANTHROPIC.items():
        if known == kind:
            exception = next((n for n in _IN_STREAM if n.lower() == name), "")
            return _IN_STREAM.get(exception, "modelStreamErrorException")
    return "internalServerException"


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
