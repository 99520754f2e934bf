"""What a connection needs for WebSockets: incoming messages, and the head that opens one."""

import asyncio
import time
from collections.abc import Callable, Mapping

from aiohttp import hdrs
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import HttpVersion11
from attrs import define, field

from jackfield._server.response import render_head
from jackfield._websocket import BrokenProtocol, FrameReader, Inbox, Link
from jackfield._websocket.frames import frame
from jackfield._websocket.handshake import answer_lines, request_problem
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.http import HttpResponse

_OF_A_BODY = frozenset({"content-type", "cache-control", "x-accel-buffering"})


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for another protocol; offers of HTTP/2 are ignored."""
    return hdrs.UPGRADE in headers and headers[hdrs.UPGRADE].lower() != "h2c"


def upgrade_refusal(message: RawRequestMessage) -> GatewayError | None:
    """Why a request with `Upgrade` cannot open a WebSocket, if it cannot."""
    problem = request_problem(message.method, message.headers)
    if problem is None and message.version is not HttpVersion11:
        problem = "A WebSocket is opened with version 1.1 of HTTP."
    return None if problem is None else InvalidRequest(problem)


def inbox_of(transport: asyncio.Transport) -> Inbox:
    """Where the client's messages wait; while it is full the client is not read."""

    def go_on() -> None:
        if not transport.is_closing():
            transport.resume_reading()

    return Inbox(transport.pause_reading, go_on)


def switching_head(response: HttpResponse, message: RawRequestMessage, date: str) -> bytes:
    """The head of the answer that makes a connection a WebSocket."""
    headers = [pair for pair in response.headers if pair[0] not in _OF_A_BODY]
    key = message.headers[hdrs.SEC_WEBSOCKET_KEY]
    return render_head(HttpResponse(101, headers), date + answer_lines(key))


@define(eq=False)
class Receiver:
    """The receiving side of a connection that has become a WebSocket.

    `write` sends a control frame, or drops it if the client does not read.
    """

    _inbox: Inbox
    _max_message: int
    _write: Callable[[bytes], None]
    _ping_seconds: float
    _link: Link = field(init=False)

    def __attrs_post_init__(self) -> None:
        reader = FrameReader(masked=True, max_message=self._max_message)
        self._link = Link(self._inbox, reader, self._control)

    def feed(self, data: bytes) -> None:
        """Handle what the client sends; the inbox's reader learns about errors."""
        try:
            self._link.feed(data)
        except BrokenProtocol as error:
            self._inbox.fail(error)

    def probe(self) -> bool:
        """Ping the client; False if the last ping is still unanswered."""
        return self._link.probe()

    def next_ping(self) -> float:
        """When to ping again."""
        return time.monotonic() + self._ping_seconds

    def _control(self, opcode: int, payload: bytes) -> None:
        self._write(frame(opcode, payload))
