"""One provider's address as the client knows it: takes requests, returns answers."""

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from attrs import define, evolve, field, frozen

from jackfield._websocket.handshake import new_key, request_lines
from jackfield.errors import InvalidRequest, ProviderTimeout
from jackfield.timeouts import Timeouts

from .address import Reach, connect
from .answer import Answer
from .connection import Connection, Owner, Request
from .failure import Failure, StaleConnection
from .pool import Pool
from .room import Room
from .url import BaseUrl
from .websocket import SocketLimits, WebSocketConnection

_METHOD = re.compile(r"[A-Z]+")
_PATH = re.compile(r"/[!-~]*")
_BODILESS = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))
_Made = TypeVar("_Made", bound=Connection)


@frozen
class Settings:
    """What is configured for one origin; sizes in bytes, times in seconds."""

    provider: str
    url: BaseUrl
    reach: Reach
    timeouts: Timeouts
    tls: ssl.SSLContext | None
    max_response: int
    max_connections: int
    keep_alive: float
    room: Room


@define(eq=False)
class Origin:
    """A scheme, host, port and path prefix, with its pool of connections."""

    _settings: Settings
    _on_open: Callable[[Connection], None]
    _on_lost: Callable[[Connection], None]
    _pool: Pool = field(init=False)
    _owner: Owner = field(init=False)
    _sockets: Owner = field(init=False)
    _start_of: Callable[[str, str], bytes] = field(init=False)

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self._pool = Pool(self._open, settings.max_connections)
        # A URL that a caller gave is seldom asked for twice: idle connections would only pile up.
        is_given = settings.reach is Reach.PUBLIC
        self._owner = Owner(
            settings.provider,
            settings.max_response,
            settings.keep_alive,
            Connection.drop if is_given else self._pool.give_back,
            self._lost,
            settings.room,
        )
        # WebSockets are never idle, so no pool has them.
        self._sockets = evolve(self._owner, on_idle=Connection.drop, on_lost=self._on_lost)
        self._start_of = lru_cache(maxsize=256)(self._request_start)

    async def send(
        self,
        method: str,
        path: str,
        head: bytes = b"",
        body: bytes = b"",
        timeouts: Timeouts | None = None,
        *,
        resend: bool = True,
    ) -> Answer:
        """Send one request and return when the head of its answer has arrived.

        `path` is percent-encoded, with its query, and is appended to the base URL's path; `head` is
        made by `header_lines()`. A connection that turns out to be closed is replaced; with
        `resend` off it is an error, because the request may already have been processed. Raises
        ProviderUnavailable, ProviderTimeout, and InvalidRequest for a path that cannot be sent.
        """
        start = self._start_of(method, path)
        if body or method not in _BODILESS:
            head = b"%bContent-Length: %d\r\n" % (head, len(body))
        timeouts = timeouts or self._settings.timeouts
        began = time.monotonic()
        request = Request(b"%b%b\r\n" % (start, head), body, method != "HEAD", timeouts, began)
        connection = self._pool.reuse()
        if connection is not None:
            try:
                return await connection.exchange(request)
            except StaleConnection:  # closed while idle, before anything was received
                if not resend:
                    raise
        connection = await self._fresh(timeouts.connect)
        return await connection.exchange(request)

    async def websocket(
        self,
        path: str,
        head: bytes,
        protocols: tuple[str, ...],
        limits: SocketLimits,
        timeouts: Timeouts | None = None,
    ) -> WebSocketConnection | Answer:
        """Open a WebSocket that speaks one of `protocols`; an Answer is a refusal.

        Raises the same errors as `send()`.
        """
        key = new_key()
        timeouts = timeouts or self._settings.timeouts
        start = self._start_of("GET", path)
        lines = b"%b%b%b\r\n" % (start, head, request_lines(key, protocols))
        request = Request(lines, b"", True, timeouts, time.monotonic())

        def make(loop: asyncio.AbstractEventLoop) -> WebSocketConnection:
            return WebSocketConnection(self._sockets, loop, key, protocols, limits)

        try:
            async with asyncio.timeout(timeouts.connect):
                connection = await self._dial(make)
        except TimeoutError as error:
            raise self._late_connect(timeouts.connect) from error
        answer = await connection.exchange(request)
        return connection if connection.is_open else answer

    def _request_start(self, method: str, path: str) -> bytes:
        if not _METHOD.fullmatch(method) or not _PATH.fullmatch(path):
            raise InvalidRequest("The path to the provider contains an invalid character.")
        url = self._settings.url
        return f"{method} {url.path}{path} HTTP/1.1\r\nHost: {url.host_header}\r\n".encode("ascii")

    async def _fresh(self, seconds: float) -> Connection:
        try:
            async with asyncio.timeout(seconds):
                return await self._pool.fresh()
        except TimeoutError as error:
            raise self._late_connect(seconds) from error

    def _late_connect(self, seconds: float) -> ProviderTimeout:
        return ProviderTimeout("connect", seconds, provider=self._settings.provider)

    async def _open(self) -> Connection:
        return await self._dial(lambda loop: Connection(self._owner, loop))

    async def _dial(self, make: Callable[[asyncio.AbstractEventLoop], _Made]) -> _Made:
        settings = self._settings
        loop = asyncio.get_running_loop()
        url = settings.url
        sock = await connect(url.host, url.port, settings.reach, settings.provider)
        try:
            _, connection = await loop.create_connection(
                lambda: make(loop),
                sock=sock,
                ssl=settings.tls,
                server_hostname=url.host if settings.tls else None,
            )
        except OSError as error:
            failure = (Failure.TLS if settings.tls else Failure.CONNECT).error(settings.provider)
            # A server that is overloaded closes connections in the middle of the handshake.
            failure.transient = not isinstance(error, ssl.SSLError)
            raise failure from error
        if not connection.usable:
            raise Failure.CONNECT.error(settings.provider)
        connection.adopted = True
        self._on_open(connection)
        return connection

    def _lost(self, connection: Connection) -> None:
        self._pool.lost(connection)
        self._on_lost(connection)
