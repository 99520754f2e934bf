"""WebSocket messages and their frames (RFC 6455): what they are made of, and how they are written.

A message in wire form is one whole frame without a mask, as a server sends it. Clients must mask
what they send, each frame with a key of its own.
"""

import os
from struct import Struct
from typing import Final, NamedTuple

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011

LONGEST_CONTROL: Final = 125
"""Bytes that a close, ping or pong may carry."""

_FIN: Final = 0x80
_MASKED: Final = 0x80
_SHORT = Struct("!BB").pack
_MEDIUM = Struct("!BBH").pack
_LONG = Struct("!BBQ").pack
_CODE = Struct("!H")


class Message(NamedTuple):
    """A complete text or binary message, or a control frame; a text's payload is UTF-8."""

    opcode: int
    data: bytes


def frame(opcode: int, payload: bytes) -> bytes:
    """A message in wire form."""
    return _head(opcode, len(payload), 0) + payload


def masked_frame(opcode: int, payload: bytes) -> bytes:
    """The same as a client sends it."""
    key = os.urandom(4)
    return _head(opcode, len(payload), _MASKED) + key + apply_mask(payload, key)


def apply_mask(data: bytes | bytearray, key: bytes) -> bytes:
    """Mask a payload, or remove its mask."""
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    both = int.from_bytes(data, "little") ^ int.from_bytes(keys, "little")
    return both.to_bytes(size, "little")


def split(frames: bytes) -> list[bytes]:
    """The single messages of a batch in wire form; joined, they are the batch again."""
    single: list[bytes] = []
    at, end = 0, len(frames)
    while at < end:
        start, size = _extent(frames, at)
        single.append(frames[at : start + size])
        at = start + size
    return single


def opcode_of(message: bytes) -> int | None:
    """The opcode of a message in wire form; None for nothing."""
    return message[0] & 0x0F if message else None


def payload_of(message: bytes) -> bytes:
    """The payload of a message in wire form."""
    return message[_extent(message, 0)[0] :] if message else b""


def close_payload(code: int, reason: str = "") -> bytes:
    """The payload of a close frame; a reason that is too long is cut."""
    words = reason.encode()[: LONGEST_CONTROL - 2].decode(errors="ignore")
    return _CODE.pack(code) + words.encode()


def read_close(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a close frame; it may have neither."""
    if len(payload) < 2:
        return None, ""
    return _CODE.unpack_from(payload)[0], payload[2:].decode(errors="replace")


def _head(opcode: int, size: int, mask: int) -> bytes:
    if size < 126:
        return _SHORT(_FIN | opcode, mask | size)
    if size < 1 << 16:
        return _MEDIUM(_FIN | opcode, mask | 126, size)
    return _LONG(_FIN | opcode, mask | 127, size)


def _extent(frames: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the message at `at` begins, and how long it is."""
    size = frames[at + 1]
    if size == 126:
        return at + 4, int.from_bytes(frames[at + 2 : at + 4], "big")
    if size == 127:
        return at + 10, int.from_bytes(frames[at + 2 : at + 10], "big")
    return at + 2, size
