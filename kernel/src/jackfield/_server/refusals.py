"""Requests that are refused although they are well-formed HTTP, under any server."""

from collections.abc import Mapping

from multidict import istr

from jackfield._mistakes import UnsafeHeader, mistake
from jackfield._server.handler import Handler
from jackfield.errors import GatewayError, MethodNotAllowed, PayloadTooLarge, UnsupportedMedia
from jackfield.http import HttpResponse

OVERRUN = 32 << 20
"""Bytes over its limit up to which a body is read, so that who sends it can read why it is refused.

Many servers close the connection of a client whose body has not been read to its end.
"""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ENCODING = istr("Content-Encoding")  # found faster than a plain str


def early_refusal(method: str, headers: Mapping[str, str]) -> GatewayError | None:
    """Why a request is refused before its path is examined, if it is."""
    if method not in _METHODS:
        error = MethodNotAllowed("This method is not served here.")
        error.allowed = ", ".join(_METHODS)
        return error
    encoding = headers.get(_ENCODING)
    if encoding is not None and encoding.lower() != "identity":
        return UnsupportedMedia("Send the body uncompressed, without `Content-Encoding`.")
    return None


def too_large(limit: int) -> PayloadTooLarge:
    """The error for a body that exceeds its endpoint's limit, in bytes."""
    return PayloadTooLarge(f"The body is larger than the {limit} bytes accepted here.")


def instead_of(
    response: HttpResponse, error: UnsafeHeader, path: str, handler: Handler
) -> HttpResponse:
    """The answer in place of one that cannot be sent; the log says why, under the request's id."""
    request_id = next((value for name, value in response.headers if name == "x-request-id"), "")
    return handler.refuse(mistake(request_id, error), path, request_id)
