"""A provider's stream: cuts it into whole events, reads its usage, and checks its end."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from jackfield._client import Answer
from jackfield._scrubber import Scrubber
from jackfield._upstream_error import mapped
from jackfield.dialects import Dialect
from jackfield.errors import GatewayError, ProviderError, ProviderUnavailable, StreamTruncated
from jackfield.messages import Usage
from jackfield.strict_json import is_object

StreamEnd = Literal["marker", "framing"]

_TAIL = 3
_CR = 13  # searching bytes for an int is far faster than for b"\r"
_DONE = b"[DONE]"  # some send it after the end, in dialects with an end marker of their own
_LONGEST_END = 8192
_AFTER_END_SECONDS = 0.25
_MOST_BEHIND = 64 * 1024


class ProviderStream:
    """Batches of whole events as they come from a provider, byte for byte.

    With `hides`, events that only report usage are left out: only the gateway asked for them. The
    stream ends cleanly only after the dialect's terminal marker; anything after that is ignored. If
    a provider omits the marker, an event that finishes the answer and a properly framed end
    suffice; with `stream_end = "framing"` the framing alone does. Any other end raises
    StreamTruncated, and an error among the events a ProviderError. When the dialect is translated,
    every event is known to be JSON; `shown` is the client's dialect.
    """

    def __init__(  # noqa: PLR0913 - what a stream must know of its provider and its client
        self,
        answer: Answer,
        dialect: Dialect,
        provider: str,
        end: StreamEnd,
        *,
        shown: Dialect,
        scrubber: Scrubber,
        events: bool,
        hides: bool = False,
    ) -> None:
        self._answer = answer
        self._framing = dialect.framing
        self._framer = dialect.framing.framer() if events else None
        self._dialect = dialect
        self._translated = dialect is not shown
        self._checked = events and dialect.translates
        self._provider = provider
        self._scrubber = scrubber
        self._end = end
        self._meter = dialect.usage_meter()
        self._hides = hides
        self._complete = False
        self._events = 0
        self._tail: deque[bytes] = deque(maxlen=_TAIL)
        self._first: bytes | None = None
        self._ended = False
        self._finished = False
        self._failure: ProviderError | None = None
        self._sink: Callable[[bytes], bool] | None = None
        self._pushed: bytes | GatewayError = b""

    def divert(self, sink: Callable[[bytes], bool]) -> None:
        """Give each batch to `sink` as it arrives, as long as only events come.

        What `begin()` has received is given to it at once. Iteration continues and yields the rest:
        the batch that ends the stream, errors, and b"" whenever `sink` returned False.
        """
        if self._framer is None:
            return
        self._sink = sink
        self._answer.sink = self._push
        if self._first and not self._ended:
            self._first = None if sink(self._first) else b""

    def usage(self) -> Usage | None:
        """The usage reported so far."""
        return self._dialect.usage_with(self._meter.usage(), self._answer.headers)

    def is_complete(self) -> bool:
        """Whether it has ended properly."""
        return self._complete

    def seen(self) -> int:
        """How many events of an answer have arrived."""
        return self._events

    async def begin(self) -> None:
        """Wait for the first events. Raises ProviderError if they are an error or never arrive."""
        first = await anext(self, b"")
        if self._failure is not None and not self._has_content(first):
            raise self._failure
        self._first = first or None

    def __aiter__(self) -> "ProviderStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._ended:
            return await self._behind_end()
        async for data in self._answer:
            if not data:
                return await self._called()
            if events := self._take(data):
                return events
            if self._has_ended():
                return await self._behind_end()
        return await self._last()

    def _take(self, data: bytes) -> bytes:
        """The events completed by what has arrived, as far as they may be passed on."""
        events = data if self._framer is None else self._framer.feed(data)
        if events:
            self._answer.touch()
            events = self._look(events)
        return events

    async def _last(self) -> bytes:
        """What remains when the answer ends, which is only valid if it is complete."""
        self._let_go()
        rest = self._rest()
        if self._failure is not None and not rest:
            return await self._behind_end()
        if not self._is_whole():
            raise self._truncated()
        self._complete = True
        if rest:
            return rest
        raise StopAsyncIteration

    def _push(self, data: bytes) -> bool:
        """Handle data that arrived while the reader waits; whether it may go on waiting."""
        try:
            events = self._take(data)
        except GatewayError as error:
            self._pushed = error
            return False
        if self._ended or self._sink is None:
            self._pushed = events
            return False
        return not events or self._sink(events)

    async def _called(self) -> bytes:
        """What a push left for the reader: an error, or the batch that ended the stream."""
        pushed, self._pushed = self._pushed, b""
        if isinstance(pushed, GatewayError):
            raise pushed
        return await self._behind_end() if self._ended and not pushed else pushed

    async def aclose(self) -> None:
        """Drop the connection unless the stream has been read to its end."""
        self._let_go()
        await self._answer.close()

    def _let_go(self) -> None:
        # Answer, stream and sink refer to each other: a reference cycle that only the garbage
        # collector would free, which rarely runs.
        self._answer.sink = self._sink = None

    async def _behind_end(self) -> bytes:
        """Read what some providers send after the end, for a moment at most.

        This also allows the connection to be reused. Raises the failure that ended the stream.
        """
        self._let_go()
        behind = b""
        if not self._answer.exhausted and self._framer is not None:
            with suppress(TimeoutError, GatewayError, UnicodeDecodeError, RecursionError):
                async with asyncio.timeout(_AFTER_END_SECONDS):
                    async for data in self._answer:
                        behind += self._passable(self._check(self._framer.feed(data)))
                        if len(behind) > _MOST_BEHIND:
                            break
        await self._answer.close()
        if self._failure is not None:
            if self._failure.event is not None:
                self._failure.event += behind
            raise self._failure
        if self._translated or not behind:
            raise StopAsyncIteration
        return behind

    def _passable(self, events: bytes) -> bytes:
        """What may follow: a `[DONE]` that is no end here or, after an error, one that is."""
        wanted = None if self._failure is None else "end"
        single = self._framing.split(events)
        done = [event for event in single if self._framing.data_of(event) == _DONE]
        return b"".join([event for event in done if self._dialect.terminal(event) == wanted])

    def _has_ended(self) -> bool:
        return self._ended

    def _rest(self) -> bytes:
        """A last event that lacks only its blank line."""
        if self._framer is None:
            return b""
        held = self._framer.held
        if held and not self._framing.is_text:
            raise self._truncated()  # a binary event needs every byte
        rest = self._framing.completed(held)
        self._framer = self._framing.framer()
        try:
            return self._look(rest) if rest else b""
        except ProviderError as error:
            raise self._truncated() from error

    def _look(self, events: bytes) -> bytes:
        """The part of a batch that may be passed on: all of it, or what precedes its end."""
        try:
            if self._checked:
                events = self._check(events)
            self._meter.feed(events)
            self._events += self._framing.count(events)
            if self._hides:
                events = self._shown(events)
            self._tail.append(events if len(events) <= _LONGEST_END else self._last_of(events))
            for hint in self._dialect.terminal_hints:
                if hint in events:
                    return self._up_to_end(events)
        except GatewayError:
            raise
        except Exception as error:
            raise self._unreadable() from error
        return events

    def _shown(self, events: bytes) -> bytes:
        """The batch without the events that only report usage."""
        single = self._framing.split(events)
        is_usage = self._dialect.is_usage_event
        return b"".join([event for event in single if not is_usage(event)])

    def _check(self, events: bytes) -> bytes:
        """The batch without events that carry nothing. Raises ProviderError if one is not JSON."""
        if self._framing.is_text and not events.isascii():
            events.decode()
        # The usual batch: one event with one line. Without a CR it cannot be anything else.
        line, _, rest = events.partition(b"\n")
        is_single = rest == b"\n" and line[:6] == b"data: " and _CR not in line
        if is_single and is_object(line[6:]):
            return events
        kept: list[bytes] = []
        for event in self._framing.split(events):
            data = self._framing.data_of(event)
            if data and data != _DONE and not is_object(data):
                if any(map(self._dialect.terminal, kept)):
                    break  # nothing after the end counts
                if self._dialect.terminal(event) is None:
                    raise self._unreadable()
            if data != b"":
                kept.append(event)
        return b"".join(kept)

    def _up_to_end(self, events: bytes) -> bytes:
        kept: list[bytes] = []
        single = self._framing.split(events)
        for at, event in enumerate(single, 1):
            terminal = self._dialect.terminal(event)
            if terminal is None:
                kept.append(event)
                continue
            self._ended = True
            self._complete = terminal == "end"
            self._answer.sink = None
            if terminal == "error":
                self._failure = self._read_failure(event)
            behind = b"" if self._translated else self._passable(b"".join(single[at:]))
            if self._failure is not None and self._failure.event is not None:
                self._failure.event += behind
            if terminal != "error" or self._translated:
                kept += (self._scrubbed(event, terminal), behind)
            break
        return b"".join(kept)

    def _has_content(self, events: bytes) -> bool:
        """Whether a batch contains any part of an answer."""
        return any(
            self._dialect.event_data(event) is not None and self._dialect.terminal(event) is None
            for event in self._framing.split(events)
        )

    def _read_failure(self, event: bytes) -> ProviderError:
        data = self._scrubber.plain(self._dialect.event_data(event) or b"")
        parsed = self._dialect.parse_error(502, data)
        error = ProviderError(
            parsed.message, provider=self._provider, error_type=parsed.type, error_code=parsed.code
        )
        error.upstream_status = parsed.status and mapped(parsed.status)
        if not self._translated and data[:1] == b"{" and self._dialect.is_error_event(event):
            error.event = self._scrubbed(event, "error")
        return error

    def _scrubbed(self, event: bytes, terminal: str) -> bytes:
        """A provider's error event without anything confidential; other content is unchanged."""
        data = self._dialect.event_data(event)
        if not data or terminal != "error" or self._scrubber.is_clean(data):
            return event
        return self._framing.with_data(event, self._scrubber.plain(data))

    def _is_whole(self) -> bool:
        if self._ended or self._framer is None:
            return True
        if not self._answer.complete or not self._answer.framed:
            return False
        if self._end == "framing" or self._finished:
            return True
        last = (event for batch in self._tail for event in self._framing.split(batch))
        return any(map(self._dialect.finishes, last))

    def _truncated(self) -> StreamTruncated:
        why = "The provider's stream was cut before its end."
        return StreamTruncated(why, provider=self._provider)

    def _last_of(self, events: bytes) -> bytes:
        """The end of a long batch, so that a slow reader's stream does not keep all of it.

        A single long event is not kept either, only whether it finished the answer.
        """
        last = self._framing.split(events)[-_TAIL:]
        long = [event for event in last if len(event) > _LONGEST_END]
        self._finished = self._finished or any(map(self._dialect.finishes, long))
        return b"".join([event for event in last if len(event) <= _LONGEST_END])

    def _unreadable(self) -> ProviderUnavailable:
        why = f"The provider sent an event that is not one of {self._dialect.name}."
        return ProviderUnavailable(why, provider=self._provider)
