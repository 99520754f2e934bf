"""The only way out: every connection to a provider is made by an origin of this client."""

import asyncio
import ssl
from pathlib import Path
from typing import Self

from attrs import define, field

from jackfield._lean_body import require_c_parser
from jackfield.timeouts import LARGEST_ANSWER, Timeouts

from .connection import Connection
from .origin import Origin, Settings
from .room import Room
from .tls import tls_context
from .url import parse_base_url


@define(eq=False, kw_only=True)
class Client:
    """Owns the connections of all origins, and the one timer that enforces their deadlines.

    It follows no redirects, keeps no cookies and reads no proxy settings from the environment.
    `max_connections` is per origin; `keep_alive` is how long a connection may stay idle, in
    seconds, and `sweep_every` how often deadlines are checked.
    """

    _max_connections: int = 1000
    _keep_alive: float = 30.0
    _sweep_every: float = 0.2
    _room: Room = field(factory=Room)
    _connections: set[Connection] = field(factory=set, init=False)
    _contexts: dict[Path | None, ssl.SSLContext] = field(factory=dict, init=False)
    _closed: bool = field(default=False, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)
    _emptied: asyncio.Future[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        require_c_parser()

    def origin(  # noqa: PLR0913 - each is one key of a provider's configuration
        self,
        base_url: str,
        *,
        name: str,
        timeouts: Timeouts | None = None,
        ca_file: Path | None = None,
        public: bool = False,
        allow_http: bool = False,
        max_response: int = LARGEST_ANSWER,
    ) -> Origin:
        """The origin at `base_url`, for the provider called `name`. Raises ConfigError.

        With `public` it connects to no private, local or metadata address, and anew for each
        request; `allow_http` permits plain HTTP to another machine; `max_response` limits what
        `Answer.read()` returns.
        """
        url = parse_base_url(base_url, name=name, allow_http=allow_http)
        settings = Settings(
            provider=name,
            url=url,
            reach=url.reach(public=public),
            timeouts=timeouts or Timeouts(),
            tls=self._context(ca_file) if url.secure else None,
            max_response=max_response,
            max_connections=self._max_connections,
            keep_alive=self._keep_alive,
            room=self._room,
        )
        return Origin(settings, self._opened, self._lost)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End every exchange and close every socket; return when all are closed."""
        self._closed = True
        if not self._connections:
            return
        self._emptied = asyncio.get_running_loop().create_future()
        for connection in tuple(self._connections):
            connection.shut()
        await self._emptied

    def _context(self, ca_file: Path | None) -> ssl.SSLContext:
        if ca_file not in self._contexts:
            self._contexts[ca_file] = tls_context(ca_file)
        return self._contexts[ca_file]

    def _opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._timer is None:
            self._schedule()
        if self._closed:
            connection.shut()

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._sweep_every, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in tuple(self._connections):
            connection.check(now, self._sweep_every)
        self._schedule()
