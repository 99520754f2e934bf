"""Errors: a message and a type known to clients of TGI."""

from http import HTTPStatus

import msgspec

from jackfield import GatewayError, ProviderError
from jackfield.dialects import UpstreamFailure
from jackfield.errors import StreamTruncated

from .wire import read_failure

# https://github.com/huggingface/text-generation-inference, router/src/infer/mod.rs
TYPES = frozenset({"validation", "generation", "overloaded", "incomplete_generation"})

_BY_STATUS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "validation",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "validation",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "validation",
    HTTPStatus.UNPROCESSABLE_ENTITY: "validation",
    HTTPStatus.TOO_MANY_REQUESTS: "overloaded",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded",
}


def write_error(error: GatewayError) -> bytes:
    """The body of an error by the gateway; also the data of an event."""
    return _written(str(error), _type_of(error))


def write_failure(message: str, kind: str | None) -> bytes:
    """The data of the event for an aborted stream of another vendor."""
    return _written(message, kind if kind in TYPES else "generation")


def read_error(status: int, body: bytes) -> UpstreamFailure:
    """A server's error message. Proxies in front of it have other forms."""
    try:
        value = read_failure(body)
    except ValueError:
        value = {}
    message, kind = value.get("error"), value.get("error_type")
    if isinstance(message, list):
        message = "; ".join(str(one) for one in message)
    return UpstreamFailure(
        message if isinstance(message, str) else f"The server answered with status {status}.",
        kind if isinstance(kind, str) else None,
    )


def _type_of(error: GatewayError) -> str:
    if isinstance(error, StreamTruncated):
        return "incomplete_generation"
    if isinstance(error, ProviderError):
        if error.error_type in TYPES:
            return error.error_type
        return _BY_STATUS.get(error.http_status, "generation")
    return _BY_STATUS.get(error.http_status, error.code)


def _written(message: str, kind: str | None) -> bytes:
    return msgspec.json.encode({"error": message, "error_type": kind})
