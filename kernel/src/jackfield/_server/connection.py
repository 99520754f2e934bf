"""One client connection: reads requests, has each answered, and writes the answers in order."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from aiohttp import hdrs
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.http_writer import HttpVersion11
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from attrs import define, field

from jackfield._lean_body import make_lean
from jackfield._mistakes import UnsafeHeader
from jackfield._server.parser import (
    MALFORMED,
    HeadTooLarge,
    RequestTimeout,
    head_size,
    malformed,
    new_parser,
    refusal,
    split_target,
)
from jackfield._server.refusals import instead_of, too_large
from jackfield._server.response import has_body, render_head
from jackfield._server.state import LINGERING, ServerState
from jackfield._server.websocket import Receiver, inbox_of, is_upgrade, switching_head
from jackfield.errors import GatewayError, Overloaded
from jackfield.http import WEBSOCKET, HttpRequest, HttpResponse

logger = logging.getLogger("jackfield.server")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = "Connection: close\r\n"
_CHUNKED = "Transfer-Encoding: chunked\r\n"
_NO_TARGET = ("/", "")
_SMALL = 64 * 1024
_FAILED = "The gateway failed on this request; its log says why."


@define(eq=False, repr=False)
class Connection(asyncio.Protocol):
    """Reads one request at a time; what a client sends before its answer waits unread.

    While a request runs, the connection is still read, because that is how a client's departure is
    noticed; the first bytes that arrive are held back, and reading stops until the answer is out. A
    client that closes only its sending side counts as gone.
    """

    _state: ServerState
    deadline: float = field(default=math.inf, init=False)
    _transport: asyncio.Transport = field(init=False)
    _parser: HttpRequestParser = field(init=False)
    _address: str = field(default="", init=False)
    # Bytes of the request being read, and how many of the next the parser may already have.
    _received: int = field(default=0, init=False)
    _carried: int = field(default=0, init=False)
    _message: RawRequestMessage | None = field(default=None, init=False)
    _target: tuple[str, str] = field(default=_NO_TARGET, init=False)
    _payload: StreamReader | None = field(default=None, init=False)
    _body: bytearray = field(factory=bytearray, init=False)
    _body_limit: int = field(default=0, init=False)
    _body_since: float = field(default=0.0, init=False)
    _request: HttpRequest | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _held: bytes = field(default=b"", init=False)
    _receiver: Receiver | None = field(default=None, init=False)
    _writable: asyncio.Future[None] | None = field(default=None, init=False)
    _paused: bool = field(default=False, init=False)
    _closing: bool = field(default=False, init=False)
    _used: bool = field(default=False, init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or turn it away if there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        state = self._state
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else "unix"
        if not state.admit(self, self._address):
            error = Overloaded("There are too many connections; try again.", retry_after=1.0)
            self._write_whole(state.handler.refuse(error, "/"), "GET", _CLOSE)
            (self._half_close if len(state.refused) <= LINGERING else self._close)()
            return
        self._parser = new_parser(state.loop, state.limits)
        self._transport.set_write_buffer_limits(high=state.limits.write_buffer)
        self.deadline = time.monotonic() + state.limits.head_seconds

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the pipeline know that nobody waits for its answer any more."""
        self._closing = True
        self._wake()
        self._state.forget(self, self._address)
        self._take_body()
        if self._request is not None:
            self._request.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, or hold the bytes back while a request runs."""
        if self._closing:
            return
        if self._request is None:
            self._read(data)
        elif self._receiver is not None:
            self._receiver.feed(data)
        else:
            self._held += data
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The client reads too slowly: a stream waits, and the client's deadline runs."""
        self._paused = True
        self.deadline = time.monotonic() + self._state.limits.write_seconds

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused = False
        if not self._closing:
            self.deadline = math.inf if self._receiver is None else self._receiver.next_ping()
        self._wake()

    def expire(self, now: float) -> None:
        """Handle the deadline that has passed."""
        if self._payload is not None:
            limits, arriving = self._state.limits, self._state.arriving
            earned = 0 if arriving > limits.bodies / 2 else len(self._body) / limits.body_rate
            until = self._body_since + limits.body_seconds + earned
            self.deadline = min(until, now + limits.body_seconds)
            if now >= until:
                self._refuse(RequestTimeout("The body did not arrive in time."))
        elif self._received and self._request is None and not self._closing:
            self._refuse(RequestTimeout("The headers did not arrive in time."))
        elif self._receiver is not None and not self._paused and self._receiver.probe():
            self.deadline = self._receiver.next_ping()
        else:
            self.abort()

    def retire(self) -> None:
        """Close now if idle; otherwise the current answer will be the last.

        A client that has only just connected is about to send a request, and has a moment to do so.
        """
        if self._request is not None or self._received or self._closing:
            return
        if self._used:
            self._close()
        else:
            self.deadline = time.monotonic() + self._state.limits.greeting_seconds

    def abort(self) -> None:
        """Close at once, without the rest of any answer."""
        self._closing = True
        self.deadline = math.inf
        self._transport.abort()

    def _read(self, data: bytes) -> None:
        try:
            messages, _, _ = self._parser.feed_data(data)
        except MALFORMED as error:
            self._state.report(self._address, type(error).__name__)
            self._refuse(malformed(error))
            return
        first = not self._received
        self._received += len(data)
        if self._payload is not None:
            self._collect(self._payload)
        elif messages:
            self._begin(*messages[0])
        elif self._received > self._state.limits.head_bytes:
            self._refuse(HeadTooLarge("The request line and headers are too large."))
        elif data and first:
            self.deadline = time.monotonic() + self._state.limits.head_seconds

    def _begin(self, message: RawRequestMessage, payload: StreamReader) -> None:
        state = self._state
        self._message = message
        limit = state.limits.head_bytes
        if self._received + self._carried > limit and head_size(message) > limit:
            self._refuse(HeadTooLarge("The request line and headers are too large."))
            return
        self._target = split_target(message)
        error = refusal(message) or state.overload(self._target[0])
        if error is not None:
            self._refuse(error)
        elif payload is EMPTY_PAYLOAD:
            self._start(message, b"")
        else:
            self._begin_body(message, payload)

    def _begin_body(self, message: RawRequestMessage, payload: StreamReader) -> None:
        limit = self._state.handler.body_limit(message.method, self._target[0])
        limit = min(limit, self._state.limits.bodies)
        make_lean(payload)
        if payload.is_eof() and payload.total_bytes <= limit:
            self._start(message, payload.read_nowait())
            return
        if int(message.headers.get(hdrs.CONTENT_LENGTH, 0)) > limit:
            self._refuse(too_large(limit))
            return
        self._payload, self._body_limit = payload, limit
        self._body_since = time.monotonic()
        self.deadline = self._body_since + self._state.limits.body_seconds
        if hdrs.EXPECT in message.headers and message.version == HttpVersion11:
            self._state.outbox.write(self._transport, _CONTINUE)
        self._collect(payload)

    def _collect(self, payload: StreamReader) -> None:
        state, body, before = self._state, self._body, len(self._body)
        body += payload.read_nowait()
        state.arriving += len(body) - before
        if len(body) > self._body_limit:
            self._refuse(too_large(self._body_limit))
        elif payload.is_eof() and self._message is not None:
            self._start(self._message, bytes(self._take_body()))
        elif state.arriving > state.limits.bodies and len(body) > _SMALL:
            self._refuse(Overloaded("Too much is being uploaded; try again.", retry_after=1.0))

    def _take_body(self) -> bytearray:
        body, self._body, self._payload = self._body, bytearray(), None
        self._state.arriving -= len(body)
        return body

    def _start(self, message: RawRequestMessage, body: bytes) -> None:
        request = HttpRequest(message.method, *self._target, message.headers, body, self._address)
        if is_upgrade(message.headers):
            request.websocket = inbox_of(self._transport)
        self._request = request
        self._used = True
        self.deadline = math.inf
        self._state.began(self._target[0])
        self._task = self._state.loop.create_task(self._run(request, message))

    async def _run(self, request: HttpRequest, message: RawRequestMessage) -> None:
        state = self._state
        try:
            response = await self._answer(request)
            # Checked only now: draining may have begun while the handler ran.
            last = message.should_close or message.version is not HttpVersion11 or state.draining
            last = last or hdrs.UPGRADE in message.headers
            try:
                if not isinstance(response.body, bytes):
                    await self._write_stream(response, message, _CLOSE if last else "")
                elif not self._closing:
                    self._write_whole(response, request.method, _CLOSE if last else "")
            except UnsafeHeader as error:  # nothing has been written yet
                last, other = True, instead_of(response, error, request.path, state.handler)
                if not self._closing:
                    self._write_whole(other, request.method, _CLOSE)
            if self._paused:
                await self._drained()
        except Exception:
            # A stream may well fail because its request was aborted.
            if not request.aborted:
                logger.exception("incomplete answer to %s: closing the connection", request.method)
            state.outbox.flush()
            self.abort()
            last = True
        finally:
            self._request = self._task = None
            state.finished()
        if not self._closing:
            end = self._close if self._receiver is None else self._half_close
            (end if last else self._next)()

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        handler = self._state.handler
        try:
            return await handler.handle_owned(request)
        except GatewayError as error:
            return handler.refuse(error, request.path)
        except Exception:
            logger.exception("the pipeline failed on a %s", request.method)
            return handler.refuse(GatewayError(_FAILED), request.path)

    def _next(self) -> None:
        self._message = None
        self._target = _NO_TARGET
        # If the parser already held this request, the data that it came in may hold more.
        self._carried = self._received or self._carried
        self._received = 0
        self.deadline = time.monotonic() + self._state.limits.idle_seconds
        self._parser.message_consumed()
        held, self._held = self._held, b""
        if held:
            self._transport.resume_reading()
        # Even without new bytes: a pipelined request may already wait in the parser.
        self._read(held)

    def _write_whole(self, response: HttpResponse, method: str, last: str) -> None:
        body = cast("bytes", response.body)
        framing, goes_along = self._state.date + last, has_body(method, response.status)
        if goes_along or method == "HEAD":
            framing += f"Content-Length: {len(body)}\r\n"
        head = render_head(response, framing)
        self._state.outbox.write(self._transport, head + body if goes_along else head)

    async def _write_stream(
        self, response: HttpResponse, message: RawRequestMessage, last: str
    ) -> None:
        chunked = message.version is HttpVersion11 and response.status != 101
        transport, write, head = self._transport, self._state.outbox.write, b""

        def push(part: bytes) -> bool:
            nonlocal head
            data = b"%b%x\r\n%b\r\n" % (head, len(part), part) if chunked else head + part
            head = b""
            write(transport, data, in_stream=True)
            return not self._paused and not transport.is_closing()

        async with aclosing(cast("AsyncGenerator[bytes, None]", response.body)) as stream:
            head = self._stream_head(response, message, last + (_CHUNKED if chunked else ""))
            if transport.is_closing():
                return
            if not has_body(message.method, response.status):
                write(transport, head, in_stream=True)
                return
            # The head goes out together with what has already arrived, if anything.
            getattr(stream, "divert", lambda _: None)(push)
            if head:
                write(transport, head, in_stream=True)
                head = b""
            async for part in stream:
                if transport.is_closing():
                    return
                if part:
                    push(part)
                if self._paused:
                    await self._drained()
            if chunked and not transport.is_closing():
                write(transport, b"0\r\n\r\n", in_stream=True)

    def _stream_head(
        self, response: HttpResponse, message: RawRequestMessage, framing: str
    ) -> bytes:
        inbox = self._request.websocket if self._request is not None else None
        if response.status != 101 or inbox is None:
            return render_head(response, self._state.date + framing)
        # From now on this is a WebSocket: the stream itself ends with a close frame.
        state = self._state
        limit = state.handler.body_limit(WEBSOCKET, self._target[0])
        receiver = Receiver(inbox, limit, self._control, state.limits.ping_seconds)
        state.loop.call_soon(self._begin_receiving, receiver)  # once the head has been written
        return switching_head(response, message, state.date)

    def _begin_receiving(self, receiver: Receiver) -> None:
        """Read the client's messages, first what it has already sent, part of it in the parser."""
        if self._closing:
            return
        held, self._held = self._held, b""
        self._receiver = receiver
        self.deadline = receiver.next_ping()
        self._parser.message_consumed()
        _, _, early = self._parser.feed_data(held)
        receiver.feed(early)
        if held:
            self._transport.resume_reading()

    def _control(self, data: bytes) -> None:
        if not self._paused and not self._closing:
            self._state.outbox.write(self._transport, data, in_stream=True)

    async def _drained(self) -> None:
        if not self._closing:
            self._writable = self._state.loop.create_future()
            await self._writable

    def _wake(self) -> None:
        waiter, self._writable = self._writable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _refuse(self, error: GatewayError) -> None:
        """Answer a request that is not run, and close: what follows it cannot be trusted."""
        self._take_body()
        message = self._message
        name = message.headers.get("x-request-id") if message is not None else None
        response = self._state.handler.refuse(error, self._target[0], name)
        self._write_whole(response, message.method if message is not None else "GET", _CLOSE)
        self._half_close()

    def _half_close(self) -> None:
        """Send no more, and read until the client is gone or its time is up."""
        self._closing, self._receiver = True, None
        self._state.outbox.flush()
        if self._transport.can_write_eof():
            # Closing with bytes unread would reset the connection and may destroy the answer.
            self._transport.write_eof()
            self.deadline = time.monotonic() + self._state.limits.linger_seconds
        else:
            self._close()

    def _close(self) -> None:
        self._closing = True
        self.deadline = time.monotonic() + self._state.limits.write_seconds
        self._state.outbox.flush()
        self._transport.close()
