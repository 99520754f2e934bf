"""The format of the trail: each line contains the hash of the previous line.

A line is a JSON object with sorted keys and no spaces: `event`, `prev`, `seq`, `time`, and last
`hash`, the SHA-256 of everything before that member plus a closing brace. `prev` is the hash of the
previous line, so no line can be changed, removed, inserted or moved unnoticed.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

FIRST: Final = "0" * 64
"""What stands for the line before the first."""

_HASH: Final = b',"hash":"'
_END: Final = b'"}\n'
_TAIL: Final = len(_HASH) + 64 + len(_END)
_encoder = msgspec.json.Encoder(order="sorted")


class Link(msgspec.Struct, frozen=True):
    """One line of the trail. `seq` counts from 1; `time` is in seconds since 1970."""

    seq: int
    time: float
    prev: str
    event: dict[str, Any]
    hash: str


def line_of(seq: int, time: float, prev: str, event: Mapping[str, Any]) -> tuple[bytes, str]:
    """The line of an event, and its hash."""
    payload = _encoder.encode({"event": event, "prev": prev, "seq": seq, "time": time})
    digest = hashlib.sha256(payload).hexdigest()
    return payload[:-1] + _HASH + digest.encode() + _END, digest


def read_line(line: bytes) -> Link:
    """The link of a line. Raises ValueError, saying why, if it is not as it was written.

    Not only the values count: any changed byte is detected.
    """
    if not line.endswith(_END) or line[-_TAIL : len(_HASH) - _TAIL] != _HASH:
        raise ValueError("it is not a line of an audit trail")
    try:
        link = msgspec.json.decode(line, type=Link)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError("it is not a line of an audit trail") from error
    digest = hashlib.sha256(line[:-_TAIL] + b"}").hexdigest()
    if digest.encode() != line[len(_HASH) - _TAIL : -len(_END)]:
        raise ValueError("it has been edited: its hash is not that of its content")
    return link
