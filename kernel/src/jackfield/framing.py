"""How a stream's bytes are cut into events, independent of the JSON in them."""

from typing import ClassVar, Protocol

from jackfield import sse
from jackfield.errors import ProviderError


class Framer(Protocol):
    """Cuts incoming data, however it is chunked, into batches of whole events, byte for byte."""

    @property
    def held(self) -> bytes:
        """The beginning of an incomplete event."""

    def feed(self, data: bytes) -> bytes:
        """All events that are complete now; empty if none is.

        Raises ProviderError if an event is too large or malformed.
        """


class Framing:
    """One way of putting events on the wire. It keeps no state of a stream, so one serves all."""

    content_type: ClassVar[str]
    media_types: ClassVar[tuple[str, ...]]
    """The beginnings of the content types of streams in this framing, in lower case."""

    is_text: ClassVar[bool] = True
    """Whether the bytes must be UTF-8; this is checked."""

    def framer(self) -> Framer:
        """A new framer for one stream."""
        raise NotImplementedError

    def split(self, events: bytes) -> list[bytes]:
        """The single events of a batch; joined, they are the batch again."""
        raise NotImplementedError

    def count(self, events: bytes) -> int:
        """How many events a batch has, at least approximately; must be fast."""
        return len(self.split(events))

    def data_of(self, event: bytes) -> bytes | None:
        """The JSON that one event carries, or None."""
        raise NotImplementedError

    def with_data(self, event: bytes, data: bytes) -> bytes:
        """The event with its JSON replaced."""
        raise NotImplementedError

    def completed(self, held: bytes) -> bytes:
        """The last event if it lacks only its end; empty if the held data cannot be one."""
        return b""

    def frames(self, content_type: str) -> bool:
        """Whether a stream of this content type has this framing."""
        return content_type.lower().startswith(self.media_types)


class ServerSentEvents(Framing):
    """Server-sent events, as `jackfield.sse` reads and writes them."""

    content_type = "text/event-stream; charset=utf-8"
    media_types = ("text/event-stream",)

    def framer(self) -> Framer:
        """A new framer for one stream."""
        return sse.Framer()

    split = staticmethod(sse.split)

    def count(self, events: bytes) -> int:
        """How many data fields a batch has."""
        return events.count(b"data:")

    def data_of(self, event: bytes) -> bytes | None:
        """The JSON that one event carries, or None."""
        return sse.data_of(event)

    def with_data(self, event: bytes, data: bytes) -> bytes:
        """The event with its JSON replaced."""
        before = sse.data_of(event)
        if before and event.count(before) == 1:
            return event.replace(before, data)
        return sse.encode(data, sse.parse(event).event)

    def completed(self, held: bytes) -> bytes:
        """The held data with its end."""
        return held + b"\n\n" if held.strip() else b""


class Lines(Framing):
    """JSON values on separate lines (NDJSON); empty lines carry nothing."""

    content_type = "application/x-ndjson"
    media_types = ("application/x-ndjson", "application/jsonl", "application/json")

    def framer(self) -> Framer:
        """A new framer for one stream."""
        return _LineFramer()

    def split(self, events: bytes) -> list[bytes]:
        """The single events of a batch."""
        *whole, rest = events.split(b"\n")
        lines = [line + b"\n" for line in whole]
        return [*lines, rest] if rest else lines

    def count(self, events: bytes) -> int:
        """How many lines a batch has."""
        return events.count(b"\n")

    def data_of(self, event: bytes) -> bytes | None:
        """The JSON that one event carries, or None."""
        return event.strip() or None

    def with_data(self, event: bytes, data: bytes) -> bytes:
        """The event with its JSON replaced."""
        return data + event[len(event.rstrip()) :]

    def completed(self, held: bytes) -> bytes:
        """The held data with its end."""
        return held + b"\n" if held.strip() else b""


class _LineFramer:
    """Holds back what follows the last line feed."""

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    @property
    def held(self) -> bytes:
        return b"".join(self._held)

    def feed(self, data: bytes) -> bytes:
        cut = data.rfind(b"\n") + 1
        whole = b""
        if cut:
            whole = b"".join((*self._held, data[:cut]))
            self._held.clear()
            self._size = 0
        if rest := data[cut:]:
            self._held.append(rest)
            self._size += len(rest)
            if self._size > sse.MAX_EVENT:
                raise ProviderError(
                    f"The provider sent a stream event of over {sse.MAX_EVENT} bytes."
                )
        return whole


SSE = ServerSentEvents()
NDJSON = Lines()
