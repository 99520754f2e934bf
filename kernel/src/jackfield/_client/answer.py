"""A provider's answer: status and headers at once, the body as a stream or as a whole."""

import asyncio
from collections.abc import Callable

from attrs import define, field
from multidict import CIMultiDictProxy

from jackfield.errors import ProviderError, StreamTruncated

from .decoder import BadCompression, CompressionBomb, Decoder
from .failure import Failure
from .room import Room

_HIGH_WATER = 16 * 1024


@define(eq=False, repr=False)
class Answer:
    """One answer. Call `read()` or iterate over it; afterwards, or to give up early, `close()` it.

    `complete` says that the body ended as HTTP requires. `framed` is false if only the end of the
    connection marked the end of the body, so that only the content can show whether it is whole.
    Iteration yields what has arrived, merged, and raises ProviderError. While it waits, the
    `between_events` clock runs until `touch()`, so a trickle of bytes does not pass for a stream.

    While the reader waits, a `sink` gets what arrives instead, in the very call that received it,
    so no task is woken per chunk. The sink returns False when the reader has to take over; the
    reader then gets b"".
    """

    status: int
    headers: CIMultiDictProxy[str]
    complete: bool = field(default=False, init=False)
    framed: bool = field(default=True, init=False)
    sink: Callable[[bytes], bool] | None = field(default=None, init=False)
    _provider: str
    _transport: asyncio.Transport
    _loop: asyncio.AbstractEventLoop
    _max_response: int
    _decoder: Decoder | None
    _room: Room
    _parts: list[bytes] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)
    _paused: bool = field(default=False, init=False)
    _whole: bool = field(default=False, init=False)
    _error: ProviderError | None = field(default=None, init=False)
    _waiter: asyncio.Future[None] | None = field(default=None, init=False)
    _waited: float = field(default=0.0, init=False)
    _called: bool = field(default=False, init=False)

    @property
    def exhausted(self) -> bool:
        """Whether the body is complete and all of it has been read."""
        return self.complete and not self._parts

    def __aiter__(self) -> "Answer":
        return self

    async def __anext__(self) -> bytes:
        while True:
            # The call comes first: what has arrived since is newer than what the sink left over.
            while self._called or not self._parts:
                if self._called:
                    self._called = False
                    return b""
                if self._error is not None:
                    raise self._error
                if self.complete:
                    self._finish_decoding()
                    raise StopAsyncIteration
                waiter = self._waiter = self._loop.create_future()
                try:
                    await waiter
                except asyncio.CancelledError:
                    self.drop()
                    raise
            data = self._take()
            if self._decoder is None:
                return data
            data = self._decode(self._decoder, data, None)
            if data:
                return data

    async def read(self) -> bytes:
        """The whole body, decompressed. Raises ProviderError if it is cut, too large or late."""
        if not self.complete and self._error is None:
            await self._collect()
        if isinstance(self._error, StreamTruncated):
            # Nothing has been passed on yet, so another attempt is worthwhile.
            raise Failure.CUT.error(self._provider) from self._error
        if self._error is not None:
            raise self._error
        if self._size > self._max_response:
            raise Failure.TOO_LARGE.error(self._provider)
        body = self._take() if self._parts else b""
        if self._decoder is not None and body:
            body = self._decode(self._decoder, body, self._max_response)
            self._finish_decoding()
        return body

    def touch(self) -> None:
        """Note that an event is complete: the next one gets a fresh `between_events`."""
        self._waited = 0.0

    async def close(self) -> None:
        """Drop the connection at once, unless the body is complete."""
        self.drop()

    def drop(self) -> None:
        """Do what `close()` does, in code that cannot await."""
        if not self.complete:
            self.fail(Failure.CLIENT_CLOSED.error(self._provider))
            self._transport.abort()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body from the connection."""
        if self.sink is not None and self._waiter is not None and self._decoder is None:
            if not self.sink(data):
                self._called = True
                self._wake()
            return
        self._parts.append(data)
        self._size += len(data)
        if self._whole:
            self._waited = 0.0
            if self._size > self._max_response:
                self._refuse_size()
            elif self._size >= _HIGH_WATER:
                self._room.take(self, len(data))
            return
        if self._size >= _HIGH_WATER:
            self.hold()
        if self._waiter is not None:
            self._wake()

    def finish(self, *, framed: bool) -> None:
        """Note that the connection has received the complete body."""
        if self._error is None:
            self.complete = True
            self.framed = framed
            if self._paused:
                self.go_on()
            if self._waiter is not None:
                self._wake()

    def fail(self, error: ProviderError) -> None:
        """Raise `error` to the reader once it has read what came before."""
        if self._error is None and not self.complete:
            self._error = error
            self._wake()

    def hold(self) -> None:
        """Pause reading."""
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Resume reading after `hold()`."""
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def is_late(self, elapsed: float, limit: float) -> bool:
        """Whether the reader has waited longer than `limit` for an event or for more of a body.

        Called every `elapsed` seconds. Only time spent waiting counts, so a slow reader is not
        mistaken for a slow provider.
        """
        if self._waiter is None or self._paused:
            return False
        self._waited += elapsed
        return self._waited > limit + elapsed

    async def _collect(self) -> None:
        """Wait until the whole body has arrived."""
        declared = int(self.headers.get("Content-Length", 0))
        if self._decoder is None and declared > self._max_response:
            self._refuse_size()
            return
        self._whole = True
        self.go_on()
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.drop()
            raise
        finally:
            self._room.leave(self)

    def _refuse_size(self) -> None:
        self.fail(Failure.TOO_LARGE.error(self._provider))
        self._parts.clear()
        self._transport.abort()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _take(self) -> bytes:
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        if self._paused:
            self.go_on()
        return data

    def _decode(self, decoder: Decoder, data: bytes, cap: int | None) -> bytes:
        try:
            return decoder.decode(data, cap)
        except BadCompression as error:
            self.drop()
            raise Failure.BAD_COMPRESSION.error(self._provider) from error
        except CompressionBomb as error:
            self.drop()
            raise Failure.BOMB.error(self._provider) from error

    def _finish_decoding(self) -> None:
        if self._decoder is None:
            return
        try:
            self._decoder.finish()
        except BadCompression as error:
            raise Failure.BAD_COMPRESSION.error(self._provider) from error
