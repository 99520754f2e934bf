"""The head of an answer, as bytes."""

from http import HTTPStatus

from jackfield.http import HttpResponse

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
_NO_BODY = frozenset({204, 304})


class UnsafeHeader(ValueError):
    """A response header contains CR, LF or NUL, which could inject header lines."""


def render_head(response: HttpResponse, framing: str) -> bytes:
    """The status line and all fields; `framing` holds complete lines of the server's own.

    Raises `UnsafeHeader`.
    """
    status = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
    return f"{status}{_fields(response)}{framing}\r\n".encode("utf-8", "surrogateescape")


def require_safe(response: HttpResponse) -> None:
    """Raise `UnsafeHeader` if a header would break out of its line."""
    _fields(response)


def _fields(response: HttpResponse) -> str:
    headers = response.headers
    fields = "\r\n".join([*map(": ".join, headers), ""])
    count = len(headers)
    if fields.count("\n") != count or fields.count("\r") != count or "\0" in fields:
        raise UnsafeHeader(f"An answer of status {response.status} has CR, LF or NUL in a header.")
    return fields


def has_body(method: str, status: int) -> bool:
    """Whether HTTP allows this answer a body."""
    return method != "HEAD" and status not in _NO_BODY
