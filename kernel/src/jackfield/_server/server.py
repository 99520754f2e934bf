"""The HTTP/1.1 server: accepts connections, keeps their deadlines, and drains them."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from ssl import SSLContext
from typing import Any

from jackfield._lean_body import require_c_parser
from jackfield._server.connection import Connection
from jackfield._server.handler import Handler
from jackfield._server.limits import Limits
from jackfield._server.state import ServerState

# Time for a stream's last event and its record once the grace period is over.
_LAST_WORDS_SECONDS = 0.5
# asyncio also uses `backlog` as the number of accepts per iteration of the loop, and when
# file descriptors run out it logs each attempt. The real queue length is set later.
_ACCEPTS_A_TURN = 16


class Server:
    """Serves one handler on listening sockets that the caller has bound (`bind_all`)."""

    def __init__(self, handler: Handler, limits: Limits | None = None) -> None:
        require_c_parser()
        self._state = ServerState(handler, limits or Limits(), asyncio.get_running_loop())
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tls: SSLContext | None = None

    @property
    def watched(self) -> bool:
        """Whether requests are running, or somebody polls readiness."""
        return self._state.watched

    def replace_handler(self, handler: Handler) -> None:
        """Give new requests to `handler`; running ones stay with the old one."""
        self._state.handler = handler

    async def start(
        self, sockets: Iterable[socket.socket], *, tls: SSLContext | None = None
    ) -> None:
        """Accept connections on `sockets`, which become the server's to close."""
        self._tls = tls
        self._sweep_at(self._state.loop.time())
        for each in sockets:
            self._sockets.append(each)
            server = await self._state.loop.create_server(
                self._connection, sock=each.dup(), backlog=_ACCEPTS_A_TURN, **self._tls_options
            )
            self._servers.append(server)
            each.listen(self._state.limits.backlog)

    def announce_end(self) -> None:
        """Make every further answer the last one on its connection."""
        self._state.drain()

    async def drain(
        self, grace: float, end_streams: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Stop: accept no more, let requests finish for `grace` seconds, then end the rest.

        Idle connections are closed, and running requests get `Connection: close`. After the grace
        period `end_streams` may end streams with an error event of their own; whatever is still
        open half a second later is cut off and its requests are aborted.
        """
        state = self._state
        self.announce_end()
        await self._stop_accepting()
        # Read requests that wait in the system's buffers before treating connections as idle.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for connection in list(state.connections):
            connection.retire()
        if not await self._emptied(grace):
            if end_streams is not None:
                await end_streams()
                await self._emptied(_LAST_WORDS_SECONDS)
            for connection in list(state.connections):
                connection.abort()
            await self._emptied(_LAST_WORDS_SECONDS)
        if self._timer is not None:
            self._timer.cancel()

    async def _stop_accepting(self) -> None:
        """Close the listening sockets after accepting what had already connected.

        Closing a socket resets the connections in its queue. The loop's copy is closed first; the
        original then empties its queue and is closed before another client can join it.
        """
        for server in self._servers:
            server.close()
        waiting: list[socket.socket] = []
        for each in self._sockets:
            with suppress(OSError):
                while True:
                    waiting.append(each.accept()[0])
            each.close()
        accept = self._state.loop.connect_accepted_socket
        for client in waiting:
            with suppress(OSError):
                await accept(self._connection, client, **self._tls_options)

    async def _emptied(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._state.empty.wait()
        return self._state.empty.is_set()

    def _connection(self) -> Connection:
        return Connection(self._state)

    @property
    def _tls_options(self) -> dict[str, Any]:
        seconds = self._state.limits.head_seconds if self._tls else None
        return {"ssl": self._tls, "ssl_handshake_timeout": seconds}

    def _sweep_at(self, due: float) -> None:
        loop = self._state.loop
        now = loop.time()
        following = now + self._state.limits.sweep_seconds
        self._timer = loop.call_at(following, self._sweep_at, following)
        self._state.sweep(time.monotonic(), now - due)
