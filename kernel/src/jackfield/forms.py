"""Locates the fields of a multipart form (RFC 7578).

What servers are known to read differently is refused, as in `strict_json`: otherwise a form could
name one model to the gateway and another to the provider.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

from jackfield.errors import InvalidRequest

_Span = tuple[int, int]

_LONGEST_HEAD = 4096
_MOST_PARTS = 1000
_FORM = re.compile(r"multipart/form-data(?=[; \t]|$)", re.IGNORECASE)
_HEAD = re.compile(r"(?:\r\n[!-9;-~]++:[^\r\n]*+)++\r\n")
_DISPOSITION = re.compile(r"\r\ncontent-disposition:[ \t]*([^\r\n]*)", re.IGNORECASE)
_FIELD = re.compile(r"form-data(?=[; \t])", re.IGNORECASE)
_PARAMETER = re.compile(
    r'[ \t]*;[ \t]*([^\s;="]++)=(?:"((?:[^"\\]|\\.)*+)"|([^;"]*+))(?=[; \t]|$)', re.DOTALL
)


def field_span(body: bytes, media_type: str, name: str) -> _Span | None:
    """The span of the value of the field `name`; None if there is none.

    Raises InvalidRequest if there are several, or if the form is ambiguous.
    """
    spans = field_spans(body, media_type).get(name, [])
    if len(spans) > 1:
        _refuse(f"it has the field {name!r} twice")
    return spans[0] if spans else None


def field_spans(body: bytes, media_type: str) -> Mapping[str, list[_Span]]:
    """The spans of all fields' values, by name; empty if the body is not a form.

    Raises InvalidRequest if the form is ambiguous.
    """
    mark = delimiter(media_type)
    spans: dict[str, list[_Span]] = {}
    for head, span in _parts(body, mark) if mark else ():
        spans.setdefault(_name(head.decode("utf-8", "replace")), []).append(span)
    return spans


def delimiter(media_type: str) -> bytes:
    """What every part begins with; empty if the media type is not that of a form.

    Raises InvalidRequest if the boundary is ambiguous.
    """
    kind = _FORM.match(media_type)
    boundary = _parameter(media_type[kind.end() :], "boundary") if kind else None
    if kind and not boundary:
        _refuse("its content type has no plain `boundary`")
    return b"--" + boundary.encode("latin-1", "replace") if boundary else b""


def _parts(body: bytes, mark: bytes) -> Iterator[tuple[bytes, _Span]]:
    """The head of each part, and the span of its content.

    A file may be megabytes long, so only the heads are searched.
    """
    at = body.find(mark)
    for _ in range(_MOST_PARTS):
        head, following = at + len(mark), body.find(mark, at + len(mark))
        if body[max(at - 2, 0) : at] not in (b"", b"\r\n"):
            break
        if following < 0 and body.startswith(b"--", head):
            return
        start = body.find(b"\r\n\r\n", head, head + _LONGEST_HEAD) + 4
        if not head < start <= following - 2:
            break
        yield body[head : start - 2], (start, following - 2)
        at = following
    _refuse("its parts cannot be told apart")


def _name(head: str) -> str:
    """The name of the field that begins with `head`."""
    name: str | None = None
    if _HEAD.fullmatch(head) and len(found := _DISPOSITION.findall(head)) == 1:
        kind = _FIELD.match(found[0])
        name = _parameter(found[0][kind.end() :], "name") if kind else None
    if name is None:
        _refuse("one of its parts has no plain `Content-Disposition: form-data; name=…`")
    return name


def _parameter(header: str, name: str) -> str | None:
    """The value of the parameter `name` of a header; None if it is ambiguous."""
    values: list[str] = []
    at, header = 0, header.rstrip("; \t")
    while match := _PARAMETER.match(header, at):
        key, quoted, plain = match.groups()
        if key.partition("*")[0].lower() == name:
            if "*" in key or "\\" in match[0]:
                return None
            values.append(plain.strip() if quoted is None else quoted)
        at = match.end()
    # Some servers take `\"` for a quote, and others for the end of the value.
    return values[0] if len(values) == 1 and at == len(header) and '\\"' not in header else None


def _refuse(reason: str) -> NoReturn:
    raise InvalidRequest(f"The form cannot be accepted: {reason}.")
