"""The head of an answer, as bytes."""

from collections.abc import Sequence
from http import HTTPStatus

from jackfield._mistakes import UnsafeHeader, wrong_header
from jackfield.http import HttpResponse

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
_NO_BODY = frozenset({204, 304})


def render_head(response: HttpResponse, framing: str) -> bytes:
    """The status line and all fields; `framing` holds complete lines of the server's own.

    Raises `UnsafeHeader`.
    """
    status = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
    return f"{status}{header_lines(response.headers)}{framing}\r\n".encode(
        "utf-8", "surrogateescape"
    )


def header_lines(headers: Sequence[tuple[str, str]]) -> str:
    """The lines of the headers. Raises `UnsafeHeader`, which names the first wrong one."""
    try:
        lines = "\r\n".join([*map(": ".join, headers), ""])
    except TypeError:
        lines = "\0"
    if lines.count("\n") == lines.count("\r") == len(headers) and "\0" not in lines:
        return lines
    raise UnsafeHeader(wrong_header(headers))


def has_body(method: str, status: int) -> bool:
    """Whether HTTP allows this answer a body."""
    return method != "HEAD" and status not in _NO_BODY
