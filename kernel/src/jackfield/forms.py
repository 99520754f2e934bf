"""One field of a multipart form, found and replaced without touching another byte (RFC 7578)."""

import re
from functools import lru_cache

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_LONGEST_HEADERS = 4096


def field_span(body: bytes, media_type: str, name: str) -> tuple[int, int] | None:
    """Where the value of the field `name` stands; None when the form has none, or has several."""
    match = _BOUNDARY.search(media_type)
    if match is None:
        return None
    boundary = b"\r\n--" + (match[1] or match[2]).encode("latin-1", "replace")
    found: list[tuple[int, int]] = []
    for part in _pattern(name).finditer(body):
        start = body.find(b"\r\n\r\n", part.start(), part.start() + _LONGEST_HEADERS)
        opens = body.rfind(b"\r\n", 0, part.start())
        end = body.find(boundary, start)
        is_field = opens < 0 or body[:opens].endswith(boundary[2:])
        if is_field and 0 <= start < end:
            found.append((start + 4, end))
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=16)
def _pattern(name: str) -> re.Pattern[bytes]:
    quoted = re.escape(name.encode())
    disposition = rb'content-disposition:[ \t]*form-data;[ \t]*name="?' + quoted + rb'"?[ \t]*[;\r]'
    return re.compile(disposition, re.IGNORECASE)
