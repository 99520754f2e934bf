"""The framing of event streams, for events with plain JSON and for wrapped chunks."""

from base64 import b64decode, b64encode
from typing import Any, Final

import msgspec

from jackfield.errors import ProviderError
from jackfield.framing import Framer, Framing

from . import failures
from .event_stream import (
    BrokenMessage,
    check,
    decode,
    encode,
    encode_event,
    encode_exception,
    length_of,
    payload_of,
)

MEDIA_TYPE: Final = "application/vnd.amazon.eventstream"


class EventStreamFramer:
    """Splits received bytes into complete messages and verifies their checksums."""

    __slots__ = ("_held", "_needed")

    def __init__(self) -> None:
        self._held = bytearray()
        self._needed = 0

    @property
    def held(self) -> bytes:
        """The start of an incomplete message."""
        return bytes(self._held)

    def feed(self, data: bytes) -> bytes:
        """All messages that are now complete.

        Raises ProviderError for one with a wrong checksum or an impossible length.
        """
        held = self._held
        if held:
            held += data
            if len(held) < self._needed:
                return b""
            data = bytes(held)
            held.clear()
        try:
            end = self._end(data)
        except BrokenMessage as error:
            raise ProviderError(f"The provider's event stream is broken: {error}.") from error
        held += data[end:]
        return data[:end]

    def _end(self, data: bytes) -> int:
        """Where the last complete message ends."""
        at = 0
        while (length := length_of(data, at)) is not None and len(data) - at >= length:
            check(data, at, length)
            at += length
        self._needed = length or 0
        return at


class EventStream(Framing):
    """AWS event streams whose payloads are the JSON of their events.

    An exception's content reads as the body of an error that names it.
    """

    content_type = MEDIA_TYPE
    media_types = (MEDIA_TYPE,)
    is_text = False

    def framer(self) -> Framer:
        return EventStreamFramer()

    def split(self, events: bytes) -> list[bytes]:
        found, at = [], 0
        while at < len(events):
            length = length_of(events, at)
            if length is None:
                raise BrokenMessage("an event is cut")
            found.append(events[at : at + length])
            at += length
        return found

    def data_of(self, event: bytes) -> bytes | None:
        payload = payload_of(event)
        if b":exception-type" in event and (message := decode(event)).is_error:
            return failures.error_data(message)
        return payload or None

    def with_data(self, event: bytes, data: bytes) -> bytes:
        if not event:
            return encode_event("chunk", data)
        return encode(decode(event).headers, data)


class _Part(msgspec.Struct):
    bytes: str = ""


_part = msgspec.json.Decoder(_Part).decode


class ChunkStream(EventStream):
    """Event streams of InvokeModel: each `chunk` wraps the model's own JSON in base64.

    An error event of Anthropic's API is written as an exception, and an exception reads as an error
    event, so that a dialect of wrapped events needs to know nothing about exceptions.
    """

    def data_of(self, event: bytes) -> bytes | None:
        message = decode(event)
        if message.is_error:
            return failures.anthropic_error_data(message)
        return unwrap(message.payload)

    def with_data(self, event: bytes, data: bytes) -> bytes:
        error = _error_of(data)
        if error is not None:
            kind, message = error
            return encode_exception(kind, failures.exception_payload(message))
        return encode_event("chunk", wrap(data))


def wrap(data: bytes) -> bytes:
    """The payload of a `chunk` event."""
    return b'{"bytes":"%b"}' % b64encode(data)


def unwrap(payload: bytes) -> bytes | None:
    """The model's own JSON in the payload of a `chunk` event; None if there is none."""
    try:
        return b64decode(_part(payload).bytes, validate=True) or None
    except (ValueError, RecursionError):
        return payload or None


def _error_of(data: bytes) -> tuple[str, str] | None:
    if b'"error"' not in data:
        return None
    try:
        value: Any = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return None
    error = value.get("error") if isinstance(value, dict) and value.get("type") == "error" else None
    if not isinstance(error, dict):
        return None
    kind = failures.exception_of_type(str(error.get("type")))
    return kind, str(error.get("message") or "The stream broke off.")


EVENT_STREAM: Final = EventStream()
CHUNKS: Final = ChunkStream()
