"""Request headers as bytes, built once and sent many times."""

import re
from collections.abc import Iterable

_NAME = re.compile(r"[!#$%&'*+\-.^`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# These the client writes itself, or never sends.
_RESERVED = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def header_lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The lines of `pairs` as they go on the wire, values in Latin-1.

    Raises ValueError, which names the header but never its value, if a name is not a token,
    holds "_" or belongs to the client, or if a value holds what must not be sent (CR, LF, NUL).
    """
    lines = []
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise ValueError(f"the header name {name!r} may hold letters, digits and '-' only")
        if name.lower() in _RESERVED:
            raise ValueError(f"the header {name!r} is set by the client itself")
        if not _VALUE.fullmatch(value) or value != value.strip(" \t"):
            raise ValueError(f"the value of the header {name!r} holds a character not allowed")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")
