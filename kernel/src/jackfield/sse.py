"""Server-sent events: cuts a byte stream into whole events, reads one, writes one.

Source: the WHATWG HTML standard, "Server-sent events". Lines end in LF, CR or CRLF; a blank line
ends an event; one leading BOM is ignored; an event cut off by the end of the stream is discarded.
"""

import re
from collections.abc import Iterator

from attrs import frozen

from jackfield.errors import ProviderError

MAX_EVENT = 4 << 20
"""Bytes that one event may hold; a longer one breaks the stream off with an error."""

_LF, _CR = 10, 13  # searching bytes for an int is far faster than for b"\r"
_BOM = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_EOL = re.compile(rb"\r\n|\n|\r")


class Framer:
    """Cuts incoming data, however it is chunked, into batches of whole events, byte for byte.

    What follows the last blank line is held back until the rest of its event arrives. Only a BOM at
    the start of the stream is dropped.
    """

    __slots__ = ("_begun", "_held", "_size")

    def __init__(self) -> None:
        self._begun = False
        self._held: list[bytes] = []
        self._size = 0

    @property
    def held(self) -> bytes:
        """The beginning of an incomplete event."""
        return b"".join(self._held)

    def feed(self, data: bytes) -> bytes:
        """All events that are complete now; empty if none is.

        Raises ProviderError if an event exceeds MAX_EVENT.
        """
        if not self._begun:
            data = self._begin(data)
        if not self._held:
            if data.endswith(b"\n\n"):
                return data
            cut = _last_blank(data)
            self._hold(data[cut:])
            return data[:cut]
        # A blank line begun by the last chunk has at most four bytes, and one of them is new.
        overlap = b"".join(self._held[-3:])[-3:]
        cut = _last_blank(overlap + data) - len(overlap)
        if cut <= 0:
            self._hold(data)
            return b""
        whole = b"".join((*self._held, data[:cut]))
        self._held.clear()
        self._size = 0
        self._hold(data[cut:])
        return whole

    def _begin(self, data: bytes) -> bytes:
        data = self.held + data
        self._held.clear()
        self._size = 0
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._hold(data)
            return b""
        self._begun = True
        return data.removeprefix(_BOM)

    def _hold(self, data: bytes) -> None:
        if data:
            self._held.append(data)
            self._size += len(data)
            if self._size > MAX_EVENT:
                raise ProviderError(f"The provider sent a stream event of over {MAX_EVENT} bytes.")


def _last_blank(data: bytes) -> int:
    """The offset after the last blank line; 0 if there is none."""
    if _CR not in data:
        return data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    cut = 0
    for match in _BLANK.finditer(data):
        cut = match.end()
    return cut


def split(events: bytes) -> list[bytes]:
    """The single events of a batch, each with its blank line; joined, they are the batch again."""
    if _CR not in events:
        # One byte is found far faster than two: the usual event has one line and a blank one.
        if events.partition(b"\n")[2] == b"\n" or events.find(b"\n\n") == len(events) - 2:
            return [events]
        parts = events.split(b"\n\n")
        rest = parts.pop()
        whole = [part + b"\n\n" for part in parts]
        if rest:
            whole.append(rest)
        return whole
    return list(_split_at_blanks(events))


def _split_at_blanks(events: bytes) -> Iterator[bytes]:
    start = 0
    for match in _BLANK.finditer(events):
        yield events[start : match.end()]
        start = match.end()
    if start < len(events):
        yield events[start:]


@frozen
class Event:
    """The fields of one event. `data` joins its data lines with LF; None if it has none."""

    data: bytes | None
    event: str = ""
    id: str | None = None


def data_of(event: bytes) -> bytes | None:
    """The data of one event, with a fast path for a single `data:` line, also after its name."""
    start = event.find(_LF) + 1 if event.startswith(b"event: ") else 0
    if (
        event.startswith(b"data: ", start)
        and event.find(_LF, start) == len(event) - 2
        and event.endswith(b"\n\n")
        and _CR not in event
    ):
        return event[start + 6 : -2]
    return parse(event).data


def parse(event: bytes) -> Event:
    """Read one event. Unknown fields and comments are ignored, as the standard says."""
    data: list[bytes] = []
    kind, identity = "", None
    for line in _EOL.split(event):
        name, colon, value = line.partition(b":")
        if not line or (colon and not name):
            continue
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            identity = value.decode("utf-8", "replace")
    return Event(b"\n".join(data) if data else None, kind, identity)


def encode(data: bytes, event: str = "") -> bytes:
    """One event. Each line of `data` gets its own prefix, so it cannot begin another event."""
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(_EOL.split(data))
    if event:
        if "\n" in event or "\r" in event:
            raise ValueError("an event's name has no line break")
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data
