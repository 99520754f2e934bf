"""One connection to a provider: writes a request and turns what comes back into an Answer."""

import asyncio
from collections.abc import Callable
from typing import cast

from attrs import define, field

from jackfield._lean_body import make_lean
from jackfield._outbox import Outbox
from jackfield.errors import ProviderError, ProviderTimeout, StreamTruncated
from jackfield.timeouts import Timeouts

from .answer import Answer
from .decoder import Decoder
from .failure import Failure, StaleConnection
from .parser import Body, HttpProcessingError, Message, Parser, is_endless, new_parser
from .room import Room

_MAX_INTERIM = 8
_JOIN_BELOW = 64 * 1024
# Bytes of a request that a line of 8 Mbit/s carries; under TLS nothing says how many have gone.
_SENT_PER_SECOND = 1 << 20
# Also how much of a stream a slow client can keep in memory.
_READ_AT_MOST = 64 * 1024


@define(eq=False)  # frozen would cost more than everything else done for a request here
class Request:
    """A request as bytes; `began` is the loop's time when the caller asked for it."""

    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    with_answer_body: bool
    timeouts: Timeouts
    began: float


@define(eq=False)
class Owner:
    """What a connection reports to its origin, and needs to know of it."""

    provider: str
    max_response: int
    keep_alive: float
    on_idle: Callable[["Connection"], None]
    on_lost: Callable[["Connection"], None]
    room: Room = field(factory=Room)
    buffer: memoryview = field(factory=lambda: memoryview(bytearray(_READ_AT_MOST)))
    _outbox: Outbox | None = None

    def outbox_of(self, loop: asyncio.AbstractEventLoop) -> Outbox:
        """The outbox for this origin's requests; a client belongs to one event loop."""
        if self._outbox is None:
            self._outbox = Outbox(loop)
        return self._outbox


@define(eq=False, repr=False)
class Connection(asyncio.BufferedProtocol):
    """Carries one exchange after another; it is dropped at the first irregularity.

    Its owner is told when it is lost, once it is `adopted`.
    """

    adopted: bool = field(default=False, init=False)
    _owner: Owner
    _loop: asyncio.AbstractEventLoop
    _transport: asyncio.Transport = field(init=False)
    _parser: Parser = field(init=False)
    _with_body: bool = field(default=True, init=False)
    _request: Request | None = field(default=None, init=False)
    _head: asyncio.Future[Answer] | None = field(default=None, init=False)
    _answer: Answer | None = field(default=None, init=False)
    _body: Body | None = field(default=None, init=False)
    _reused: bool = field(default=False, init=False)
    _reusable: bool = field(default=False, init=False)
    _received: bool = field(default=False, init=False)
    _interim: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return not self._transport.is_closing()

    async def exchange(self, request: Request) -> Answer:
        """Send `request`; return the answer once its head has arrived. Raises ProviderError."""
        if request.with_answer_body is not self._with_body:
            self._with_body = request.with_answer_body
            self._parser = new_parser(self._loop, with_body=self._with_body)
        self._request = request
        self._received = False
        self._interim = 0
        self._since = self._loop.time()
        head: asyncio.Future[Answer] = self._loop.create_future()
        self._head = head
        self._write(request)
        try:
            return await head
        except asyncio.CancelledError:
            # The answer may have arrived in the same iteration of the loop as the cancellation.
            if head.cancelled():
                self.drop()
            elif head.exception() is None:
                head.result().drop()
            raise
        finally:
            del head  # it holds the error, whose traceback holds this frame

    def drop(self) -> None:
        """Close the socket at once."""
        self._transport.abort()

    def check(self, now: float, elapsed: float) -> None:
        """Enforce the deadlines; the client's sweep calls it every `elapsed` seconds."""
        request = self._request
        if request is None:
            if now - self._since > self._owner.keep_alive:
                self.drop()
            return
        timeouts = request.timeouts
        if now - request.began > timeouts.total:
            self._late("finish", timeouts.total)
        elif self._answer is None:
            seconds = timeouts.first_byte + len(request.body) // _SENT_PER_SECOND
            if now - self._since > seconds:
                self._late("answer", seconds)
        elif self._answer.is_late(elapsed, timeouts.between_events):
            self._late("go on", timeouts.between_events)

    def shut(self) -> None:
        """End the exchange, if there is one, and close the socket."""
        self._fail(Failure.CLIENT_CLOSED.error(self._owner.provider))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        self._since = self._loop.time()
        self._parser = new_parser(self._loop, with_body=True)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the event loop, which reports what it read before using the buffer again."""
        return self._owner.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop."""
        self.data_received(bytes(self._owner.buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Handle what has been read."""
        if self._request is None:
            self.drop()
            return
        self._received = True
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._fail(Failure.ILLEGAL.error(self._owner.provider), error)
            return
        for message, body in messages:
            self._on_message(message, body)
        if self._body is not None:
            self._pass_on(self._body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        provider = self._owner.provider
        if self._answer is not None:
            self._end_by_close(exc)
        elif self._reused and not self._received:
            self._fail(StaleConnection(Failure.CLOSED, provider=provider), exc)
        elif self._received:
            self._fail(Failure.CUT.error(provider), exc)
        else:
            self._fail(Failure.CLOSED.error(provider), exc)
        if self.adopted:
            self._owner.on_lost(self)

    def _write(self, request: Request) -> None:
        outbox = self._owner.outbox_of(self._loop)
        if len(request.body) < _JOIN_BELOW:
            outbox.write(self._transport, request.head + request.body)
        else:
            outbox.write(self._transport, request.head)
            outbox.write(self._transport, request.body)

    def _on_message(self, message: Message, body: Body) -> None:
        if self._head is None:
            # A second answer, which nobody asked for.
            self._reusable = False
        elif message.code >= 200 and message.version[0] == 1:
            self._begin(self._head, message, body)
        elif message.code in (100, 102, 103, 104) and self._interim < _MAX_INTERIM:
            self._interim += 1
        else:
            self._fail(Failure.ILLEGAL.error(self._owner.provider))

    def _begin(self, head: asyncio.Future[Answer], message: Message, body: Body) -> None:
        self._head = None
        if head.done():
            self.drop()
            return
        provider = self._owner.provider
        if is_endless(message):
            head.set_exception(Failure.ILLEGAL.error(provider))
            self.drop()
            return
        encoding = message.headers.get("Content-Encoding")
        try:
            decoder = Decoder.for_encoding(encoding) if encoding else None
        except KeyError:
            head.set_exception(Failure.ENCODING.error(provider))
            self.drop()
            return
        make_lean(body)
        self._body = body
        self._reusable = not message.should_close
        self._answer = Answer(
            message.code,
            message.headers,
            provider,
            self._transport,
            self._loop,
            self._owner.max_response,
            decoder,
            self._owner.room,
        )
        head.set_result(self._answer)

    def _pass_on(self, body: Body) -> None:
        data = body.read_nowait()
        if data and self._answer is not None:
            self._answer.feed(data)
        if body.is_eof():
            self._end(framed=True)

    def _end(self, *, framed: bool) -> None:
        answer = self._answer
        self._answer = self._body = self._request = None
        if answer is not None:
            answer.finish(framed=framed)
        if self._reusable and self._is_clean():
            self._reused = True
            self._since = self._loop.time()
            self._owner.on_idle(self)
        else:
            self.drop()

    def _is_clean(self) -> bool:
        if self._transport.is_closing() or self._transport.get_write_buffer_size():
            return False
        try:
            return self._parser.feed_eof() is None
        except HttpProcessingError:
            return False

    def _end_by_close(self, exc: Exception | None) -> None:
        self._reusable = False
        provider = self._owner.provider
        if exc is not None:
            self._fail(StreamTruncated(Failure.CUT, provider=provider), exc)
            return
        try:
            self._parser.feed_eof()
        except HttpProcessingError as error:
            self._fail(StreamTruncated(Failure.CUT, provider=provider), error)
        else:
            self._end(framed=False)

    def _late(self, phase: str, seconds: float) -> None:
        self._fail(ProviderTimeout(phase, seconds, provider=self._owner.provider))

    def _fail(self, error: ProviderError, cause: BaseException | None = None) -> None:
        error.__cause__ = cause
        head, answer, body = self._head, self._answer, self._body
        self._head = self._answer = self._body = self._request = None
        if head is not None and not head.done():
            head.set_exception(error)
        if answer is not None:
            if body is not None and (data := body.read_nowait()):
                answer.feed(data)
            answer.fail(error)
        self.drop()
