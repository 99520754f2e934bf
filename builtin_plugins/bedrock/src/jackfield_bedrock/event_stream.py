"""AWS event stream messages: decoding and encoding.

Source: the Smithy specification, "Amazon Event Stream Specification". A message is a prelude (its
length and that of its headers, and their CRC), headers, a payload, and the CRC of all of it.
Numbers are big-endian.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Final
from zlib import crc32

from attrs import field, frozen

MAX_MESSAGE: Final = 24 << 20
"""Maximum bytes of a message, as in AWS's own SDKs."""

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LEAST: Final = _PRELUDE.size + _CRC.size
_LENGTH: Final = struct.Struct(">H")
_STRING: Final = 7
_BYTES: Final = 6
# type of a header's value → its fixed length; Bedrock's messages have no such headers
_FIXED: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class BrokenMessage(ValueError):
    """Invalid bytes: a wrong length, a wrong checksum, or unreadable headers."""


@frozen
class Message:
    """One message, with its string headers."""

    headers: Mapping[str, str]
    payload: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        """The type of its event or exception, or its error's code."""
        headers = self.headers
        return (
            headers.get(":event-type")
            or headers.get(":exception-type")
            or headers.get(":error-code")
            or ""
        )

    @property
    def is_error(self) -> bool:
        """Whether it aborts the stream."""
        return self.headers.get(":message-type", "event") != "event"


def length_of(data: bytes, at: int = 0) -> int | None:
    """The length of the message at `at`; None if its prelude is incomplete.

    Raises BrokenMessage if the prelude is invalid.
    """
    if len(data) - at < _PRELUDE.size:
        return None
    total, headers, crc = _PRELUDE.unpack_from(data, at)
    if crc32(data[at : at + 8]) != crc:
        raise BrokenMessage("the checksum of an event's prelude is wrong")
    if not _LEAST + headers <= total <= MAX_MESSAGE:
        raise BrokenMessage(f"an event has a length that cannot be: {total} bytes")
    return int(total)


def check(data: bytes, at: int, length: int) -> None:
    """Raise BrokenMessage unless the checksum of the complete message at `at` is right."""
    end = at + length - _CRC.size
    if crc32(memoryview(data)[at:end]) != _CRC.unpack_from(data, end)[0]:
        raise BrokenMessage("the checksum of an event is wrong")


def payload_of(message: bytes) -> bytes:
    """The payload of a complete message."""
    return message[_PRELUDE.size + _CRC.unpack_from(message, 4)[0] : -4]


def decode(message: bytes) -> Message:
    """Decode a complete message whose checksums were verified. Raises BrokenMessage."""
    if len(message) < _LEAST:
        raise BrokenMessage("an event is too short")
    end = _PRELUDE.size + _CRC.unpack_from(message, 4)[0]
    try:
        headers = dict(_headers(message[_PRELUDE.size : end]))
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise BrokenMessage("the headers of an event cannot be read") from error
    return Message(headers, message[end:-4])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        name, kind = data[at + 1 : end].decode(), data[end]
        at = end + 1
        if kind in _FIXED:
            at += _FIXED[kind]
            continue
        if kind not in (_STRING, _BYTES):
            raise BrokenMessage(f"an event has a header of the unknown type {kind}")
        (size,) = _LENGTH.unpack_from(data, at)
        value = data[at + 2 : at + 2 + size]
        if len(value) < size:
            raise BrokenMessage("a header of an event is cut")
        at += 2 + size
        if kind == _STRING:
            yield name, value.decode()


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode one message."""
    lines = b"".join(_header(name, value) for name, value in headers.items())
    start = struct.pack(">II", _LEAST + len(lines) + len(payload), len(lines))
    body = b"".join((start, _CRC.pack(crc32(start)), lines, payload))
    return body + _CRC.pack(crc32(body))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes((len(key),)) + key + bytes((_STRING,)) + _LENGTH.pack(len(text)) + text


def encode_event(kind: str, payload: bytes) -> bytes:
    """Encode an event of the type `kind` with a JSON payload, its headers in AWS's order."""
    return encode(
        {":event-type": kind, ":content-type": "application/json", ":message-type": "event"},
        payload,
    )


def encode_exception(kind: str, payload: bytes) -> bytes:
    """Encode an exception of the type `kind`, which aborts a stream."""
    return encode(
        {
            ":exception-type": kind,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        payload,
    )
