"""Reads one direction of a WebSocket: bytes in, whole messages out."""

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from jackfield._websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    INVALID_TEXT,
    LONGEST_CONTROL,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    Message,
    apply_mask,
)

_KNOWN: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
_PRIVATE_CODES: Final = range(3000, 5000)


class BrokenProtocol(Exception):
    """A peer violated the protocol; `code` is the one to close the connection with."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@define
class _Head:
    """The head of a frame; `size` is the payload's, `start` where the mask or payload begins."""

    final: bool
    opcode: int
    size: int
    start: int


@define(eq=False)
class FrameReader:
    """Assembles frames, and refuses what the protocol forbids.

    `masked` says whether the peer is a client, whose frames are all masked; a server's are not. A
    message of more than `max_message` bytes is refused before its payload has arrived. Nothing more
    is read once it is `closed`, by a close frame or by an error.
    """

    _masked: bool
    _max_message: int
    _buffer: bytearray = field(factory=bytearray, init=False)
    _head: _Head | None = field(default=None, init=False)
    _opcode: int | None = field(default=None, init=False)
    _parts: bytearray = field(factory=bytearray, init=False)
    closed: bool = field(default=False, init=False)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now.

        Raises BrokenProtocol once the messages before the error have been yielded.
        """
        if self.closed:
            return
        self._buffer += data
        try:
            while not self.closed:
                head = self._head = self._head or self._read_head()
                payload = None if head is None else self._read_payload(head)
                if head is None or payload is None:
                    return
                self._head = None
                message = self._message(head, payload)
                if message is not None:
                    yield message
        except BrokenProtocol:
            self.closed = True
            raise

    def _read_head(self) -> _Head | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode = buffer[0] & 0x0F
        final = bool(buffer[0] & 0x80)
        short = buffer[1] & 0x7F
        self._check_head(opcode, final=final, short=short)
        start = 2 + (2 if short == 126 else 8 if short == 127 else 0)
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big") if short > LONGEST_CONTROL else short
        if size + len(self._parts) > self._max_message and opcode < CLOSE:
            raise BrokenProtocol(TOO_BIG, f"A message has more than {self._max_message} bytes.")
        return _Head(final, opcode, size, start)

    def _check_head(self, opcode: int, *, final: bool, short: int) -> None:
        if self._buffer[0] & 0x70 or opcode not in _KNOWN:
            raise BrokenProtocol(PROTOCOL_ERROR, "A frame is of an unknown kind or compressed.")
        if bool(self._buffer[1] & 0x80) is not self._masked:
            how = "lacks its mask" if self._masked else "has a mask"
            raise BrokenProtocol(PROTOCOL_ERROR, f"A frame {how}.")
        if opcode >= CLOSE:
            if not final or short > LONGEST_CONTROL:
                raise BrokenProtocol(PROTOCOL_ERROR, "A control frame is too long or fragmented.")
        elif (opcode == CONTINUATION) is (self._opcode is None):
            raise BrokenProtocol(PROTOCOL_ERROR, "The fragments of a message are out of order.")

    def _read_payload(self, head: _Head) -> bytes | None:
        buffer = self._buffer
        start = head.start + (4 if self._masked else 0)
        end = start + head.size
        if len(buffer) < end:
            return None
        payload = bytes(buffer[start:end])
        if self._masked:
            payload = apply_mask(payload, bytes(buffer[head.start : start]))
        del buffer[:end]
        return payload

    def _message(self, head: _Head, payload: bytes) -> Message | None:
        if head.opcode >= CLOSE:
            if head.opcode == CLOSE:
                _check_close(payload)
                self.closed = True
            return Message(head.opcode, payload)
        opcode = head.opcode if self._opcode is None else self._opcode
        if not head.final:
            self._opcode = opcode
            self._parts += payload
            return None
        if self._opcode is not None:
            payload = bytes(self._parts + payload)
            self._parts = bytearray()
            self._opcode = None
        if opcode == TEXT:
            _check_text(payload)
        return Message(opcode, payload)


def _check_close(payload: bytes) -> None:
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (code in _CODES or code in _PRIVATE_CODES):
        raise BrokenProtocol(PROTOCOL_ERROR, "A close frame has no valid code.")
    _check_text(payload[2:])


def _check_text(payload: bytes) -> None:
    if payload.isascii():
        return
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise BrokenProtocol(INVALID_TEXT, "A text is not UTF-8.") from None
