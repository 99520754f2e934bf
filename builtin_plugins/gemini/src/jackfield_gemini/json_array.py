"""The framing of a stream without `alt=sse`: one JSON array, sent element by element."""

import re
from typing import Final

from jackfield import sse
from jackfield.errors import ProviderError
from jackfield.framing import Framing

_TOKEN: Final = re.compile(rb'[\\"{}\[\]]')
_SPACE: Final = b" \t\r\n"
_OPENING, _CLOSING = b"{[", b"}]"


class _Scanner:
    """Finds the ends of events, however the bytes are chunked.

    An event is an element of the array with what precedes it: the opening bracket or a comma. The
    closing bracket is an event of its own.
    """

    __slots__ = ("_depth", "_escaped", "_quoted")

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._quoted = False
        self._escaped = False

    def ends(self, data: bytes) -> list[int]:
        """The offsets in `data` at which an event ends."""
        found: list[int] = []
        at = 0
        if self._escaped and data:
            self._escaped, at = False, 1
        while (match := _TOKEN.search(data, at)) is not None:
            at = match.end()
            token = match[0]
            if token == b'"':
                self._quoted = not self._quoted
            elif self._quoted:
                if token == b"\\":
                    self._escaped = at == len(data)
                    at += 1
            elif self._closes(token):
                found.append(at)
        return found

    def _closes(self, token: bytes) -> bool:
        if token in _OPENING:
            self._depth += 1
            return False
        if token not in _CLOSING:
            return False
        self._depth -= 1
        return self._depth <= 1 if token == b"}" else self._depth <= 0


class _ArrayFramer:
    """Holds back incomplete events."""

    __slots__ = ("_held", "_scanner", "_size")

    def __init__(self) -> None:
        self._scanner = _Scanner()
        self._held: list[bytes] = []
        self._size = 0

    @property
    def held(self) -> bytes:
        return b"".join(self._held)

    def feed(self, data: bytes) -> bytes:
        ends = self._scanner.ends(data)
        whole = b""
        if ends:
            whole = b"".join((*self._held, data[: ends[-1]]))
            self._held.clear()
            self._size = 0
            data = data[ends[-1] :]
        if data:
            self._held.append(data)
            self._size += len(data)
            if self._size > sse.MAX_EVENT:
                raise ProviderError(
                    f"The provider sent a stream event of over {sse.MAX_EVENT} bytes."
                )
        return whole


class JsonArray(Framing):
    """The framing of the elements of one JSON array."""

    content_type = "application/json; charset=UTF-8"
    media_types = ("application/json",)

    def framer(self) -> _ArrayFramer:
        """A new framer for one stream."""
        return _ArrayFramer()

    def split(self, events: bytes) -> list[bytes]:
        """The events of a batch."""
        begins = events.lstrip(_SPACE)[:1] == b"["
        parts, start = [], 0
        for end in _Scanner(0 if begins else 1).ends(events):
            parts.append(events[start:end])
            start = end
        if events[start:]:
            parts.append(events[start:])
        return parts

    def data_of(self, event: bytes) -> bytes | None:
        """The element in one event; None for the end of the array."""
        data = event.strip(_SPACE)
        if data[:1] in (b"[", b","):
            data = data[1:].lstrip(_SPACE)
        return data if data[:1] == b"{" else None

    def with_data(self, event: bytes, data: bytes) -> bytes:
        """The event with its element replaced."""
        before = self.data_of(event)
        if before is None:
            return event
        at = event.index(before)
        return event[:at] + data + event[at + len(before) :]

    def completed(self, held: bytes) -> bytes:
        """The white space after the array, which belongs to no event."""
        return b"" if held.strip(_SPACE) else held


JSON_ARRAY: Final = JsonArray()


class ArrayWriter:
    """Writes the elements of one array as events."""

    def __init__(self) -> None:
        self._begun = False

    def event(self, data: bytes) -> bytes:
        """The next element."""
        before = b",\r\n" if self._begun else b"["
        self._begun = True
        return before + data

    def end(self) -> bytes:
        """The end of the array."""
        return b"\n]" if self._begun else b"[]"


_BREAKS: Final = {mark.encode(): b"\\u%04x" % ord(mark) for mark in "\x85\u2028\u2029"}
"""Line breaks to Google's Python SDK, which cannot read an event that contains one."""


class SseWriter:
    """Writes server-sent events."""

    def event(self, data: bytes) -> bytes:
        """One event."""
        if not data.isascii():
            for mark, escaped in _BREAKS.items():
                data = data.replace(mark, escaped)
        return sse.encode(data)

    def end(self) -> bytes:
        """Nothing: the API has no end marker."""
        return b""
