"""A WebSocket to a provider: the connection that asks for it, and the messages on it."""

import asyncio

from attrs import define, field, frozen
from multidict import CIMultiDictProxy

from jackfield._websocket import BrokenProtocol, FrameReader, Inbox, Link, Message
from jackfield._websocket.frames import CLOSE, GOING_AWAY, TOO_BIG, close_payload, masked_frame
from jackfield._websocket.handshake import is_accepted
from jackfield.errors import ProviderError, ProviderTimeout, StreamTruncated

from .connection import Connection
from .failure import Failure
from .parser import HttpProcessingError

_SWITCHING = b"HTTP/1.1 101"
_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_HEAD = 16 * 1024


@frozen(kw_only=True)
class SocketLimits:
    """Limits on a provider's messages, in bytes, and on its times, in seconds.

    `idle` is how long both sides may be silent, `total` the longest lifetime. `stalled` is how long
    the provider may leave unread what is sent to it. A connection that receives nothing for `ping`
    is pinged, and given up after as long again. A provider that was told that the session is over
    has `close` seconds to agree.
    """

    max_message: int
    idle: float
    total: float
    stalled: float = 30.0
    ping: float = 20.0
    close: float = 2.0


@define(eq=False, repr=False)
class WebSocketConnection(Connection):
    """Asks for a WebSocket with the key `_key`, and is one once `is_open`.

    Any answer other than 101 is handled like that of an ordinary request. Once open, `inbox`
    receives what the provider sends; if the connection fails, it raises ProviderError.
    """

    _key: str
    _protocols: tuple[str, ...]
    _limits: SocketLimits
    inbox: Inbox = field(init=False)
    protocol: str | None = field(default=None, init=False)
    _link: Link | None = field(default=None, init=False)
    _start: bytes | None = field(default=b"", init=False)
    _began: float = field(default=0.0, init=False)
    _spoke: float = field(default=0.0, init=False)
    _probed: float = field(default=0.0, init=False)
    _stalled: float | None = field(default=None, init=False)
    _closing: float | None = field(default=None, init=False)
    _writable: asyncio.Future[None] | None = field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        """Whether the provider has agreed to a WebSocket."""
        return self._link is not None

    def send(self, message: Message) -> None:
        """Send a message; nothing may follow a close frame."""
        if self._closing is not None or self._transport.is_closing():
            return
        self._spoke = self._loop.time()
        if message.opcode == CLOSE:
            self._closing = self._spoke
        self._transport.write(masked_frame(*message))

    async def drained(self) -> None:
        """Wait while the provider reads more slowly than we send."""
        if self._stalled is not None and not self._transport.is_closing():
            self._writable = self._loop.create_future()
            await self._writable

    def leave(self) -> None:
        """Send a close frame and disconnect."""
        self.send(Message(CLOSE, close_payload(GOING_AWAY)))
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Handle what has been read."""
        if self._link is not None:
            self._receive(self._link, data)
        elif self._start is None:
            super().data_received(data)
        else:
            self._start += data
            self._open(self._start)

    def pause_writing(self) -> None:
        """Called by the event loop: the provider reads too slowly."""
        self._stalled = self._loop.time()

    def resume_writing(self) -> None:
        """Called by the event loop: the provider has caught up."""
        self._stalled = None
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._wake()
        if self._link is None:
            super().connection_lost(exc)
            return
        self.inbox.fail(StreamTruncated(Failure.CUT, provider=self._owner.provider))
        if self.adopted:
            self._owner.on_lost(self)

    def check(self, now: float, elapsed: float) -> None:
        """Enforce the deadlines; the client's sweep calls it every `elapsed` seconds."""
        limits = self._limits
        if self._link is None:
            super().check(now, elapsed)
        elif self._closing is not None:
            if now - self._closing > limits.close:
                self.drop()
        elif now - self._began > limits.total:
            self._late("end the session", limits.total)
        elif now - self._spoke > limits.idle:
            self._late("send or get a message", limits.idle)
        elif self._stalled is not None and now - self._stalled > limits.stalled:
            self._late("read on", limits.stalled)
        elif now - self._probed > limits.ping:
            self._probed = now
            if not self._link.probe():
                self._late("give a sign of life", limits.ping)

    def _open(self, start: bytes) -> None:
        """Read the beginning of the answer: a WebSocket, or a refusal like any answer."""
        if not start.startswith(_SWITCHING[: len(start)]):
            self._start = None
            super().data_received(start)
            return
        head, end, behind = start.partition(_END_OF_HEAD)
        if not end:
            if len(start) > _LONGEST_HEAD:
                self._fail(Failure.ILLEGAL.error(self._owner.provider))
            return
        self._start = None
        try:
            ((message, body),), _, _ = self._parser.feed_data(head + end)
        except (HttpProcessingError, ValueError) as error:
            self._fail(Failure.ILLEGAL.error(self._owner.provider), error)
            return
        if self._head is None or not is_accepted(message.headers, self._key, self._protocols):
            self._fail(Failure.ILLEGAL.error(self._owner.provider))
            return
        self._switch(message.headers)
        self._begin(self._head, message, body)
        if behind and self._link is not None:
            self._receive(self._link, behind)

    def _switch(self, headers: CIMultiDictProxy[str]) -> None:
        transport = self._transport
        self.inbox = Inbox(transport.pause_reading, self._go_on)
        reader = FrameReader(masked=False, max_message=self._limits.max_message)
        self._link = Link(self.inbox, reader, self._control)
        self.protocol = headers.get("sec-websocket-protocol")
        self._began = self._spoke = self._probed = self._loop.time()

    def _receive(self, link: Link, data: bytes) -> None:
        try:
            if link.feed(data):
                self._spoke = self._loop.time()
        except BrokenProtocol as error:
            self.send(Message(CLOSE, close_payload(error.code, error.why)))
            why = Failure.TOO_LARGE if error.code == TOO_BIG else Failure.MESSAGE
            self._fail(why.error(self._owner.provider), error)
            return
        if link.ended:
            self.send(Message(CLOSE, b""))

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _control(self, opcode: int, payload: bytes) -> None:
        if self._stalled is None and self._closing is None and not self._transport.is_closing():
            self._transport.write(masked_frame(opcode, payload))

    def _wake(self) -> None:
        waiter, self._writable = self._writable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _late(self, phase: str, seconds: float) -> None:
        self._fail(ProviderTimeout(phase, seconds, provider=self._owner.provider))

    def _fail(self, error: ProviderError, cause: BaseException | None = None) -> None:
        if self._link is None:
            super()._fail(error, cause)
            return
        error.__cause__ = cause
        self.inbox.fail(error)
        self.leave()
