"""A provider's stream: whole events, its usage, and the truth about its end."""

from collections import deque
from typing import Literal

from jackfield import sse
from jackfield._client import Answer
from jackfield.dialects import Dialect
from jackfield.errors import ProviderError, StreamTruncated
from jackfield.messages import Usage

StreamEnd = Literal["marker", "framing"]

_TAIL = 3


class ProviderStream:
    """Batches of whole events as they come from a provider, byte for byte.

    It ends cleanly only when the dialect's terminal marker was seen. Where a provider leaves the
    marker out, an event that finishes the answer and a properly framed end will do; with
    `stream_end = "framing"` the frame alone. Any other end raises StreamTruncated.
    """

    def __init__(
        self, answer: Answer, dialect: Dialect, provider: str, end: StreamEnd, *, events: bool
    ) -> None:
        self._answer = answer
        self._framer = sse.Framer() if events else None
        self._dialect = dialect
        self._provider = provider
        self._end = end
        self._meter = dialect.usage_meter()
        self._tail: deque[bytes] = deque(maxlen=_TAIL)
        self._first: bytes | None = None
        self._ended = False
        self._failure: ProviderError | None = None

    def usage(self) -> Usage | None:
        """The usage reported so far."""
        return self._meter.usage()

    async def begin(self) -> None:
        """Wait for the first events. Raises ProviderError if they are an error or do not come."""
        first = await anext(self, b"")
        if self._ended and self._failure is not None:
            raise self._failure
        self._first = first

    def __aiter__(self) -> "ProviderStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, None
            return first
        async for data in self._answer:
            events = data if self._framer is None else self._framer.feed(data)
            if events:
                self._answer.touch()
                self._look(events)
                return events
        rest = b"" if self._framer is None else self._framer.held
        if rest:
            self._look(rest)
        if not self._is_whole():
            raise StreamTruncated(
                "The provider's stream was cut before its end.", provider=self._provider
            )
        if rest.strip():
            self._framer = None
            return rest
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Drop the connection unless the stream has been read to its end."""
        await self._answer.close()

    def _look(self, events: bytes) -> None:
        self._meter.feed(events)
        self._tail.append(events)
        for hint in self._dialect.terminal_hints:
            if hint in events:
                for event in sse.split(events):
                    terminal = self._dialect.terminal(event)
                    if terminal is not None:
                        self._ended = True
                    if terminal == "error":
                        self._failure = self._read_failure(event)
                return

    def _read_failure(self, event: bytes) -> ProviderError:
        said = self._dialect.parse_error(502, self._dialect.event_data(event) or b"")
        return ProviderError(
            said.message, provider=self._provider, error_type=said.type, error_code=said.code
        )

    def _is_whole(self) -> bool:
        if self._ended or self._framer is None:
            return True
        if not self._answer.complete or not self._answer.framed:
            return False
        if self._end == "framing":
            return True
        return any(
            self._dialect.finishes(event) for batch in self._tail for event in sse.split(batch)
        )
