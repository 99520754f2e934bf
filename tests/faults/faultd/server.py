"""The faulty upstream itself: reads requests properly, answers them as the fault says."""

import asyncio
import ssl
import time
from collections import deque
from typing import Self, cast

from attrs import define, field

from .catalogue import FAULTS, Choice
from .ledger import Ledger, Record
from .wire import Wire


@define(eq=False)
class Faultd:
    """An upstream on a port of its own: `async with Faultd() as upstream: upstream.base_url`.

    A request's fault is the next one queued with `script()`, else the one its model names
    (`fault-cut-sse-3`). With `tls` it speaks TLS. `handshake` is "stall" (accepts and says
    nothing), or how it answers a TLS greeting: with text that is "plain", or by a "close".
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    handshake: str = ""
    ledger: Ledger = field(factory=Ledger)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _scripted: deque[Choice] = field(factory=deque, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _connections: "set[_Connection]" = field(factory=set, init=False)

    @property
    def base_url(self) -> str:
        """Where it listens; by name with TLS, so that certificates can be checked."""
        if self.tls or self.handshake:
            return f"https://localhost:{self.port}"
        return f"http://{self.host}:{self.port}"

    def script(self, *faults: str) -> None:
        """Set the faults of the next requests, one for each; forget what was set before."""
        self._scripted.clear()
        self._scripted.extend(Choice.parse(fault) for fault in faults)

    def next_choice(self, body: bytes) -> Choice:
        """The fault of a request with this body."""
        return self._scripted.popleft() if self._scripted else Choice.of_request(body)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), self.host, self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.stop()
        await self.until(open_connections=0)

    async def until(self, *, requests: int = 0, open_connections: int | None = None) -> None:
        """Wait for that many requests in all, and for so many open connections."""
        while len(self.ledger.records) < requests or (
            open_connections is not None and self.ledger.open_connections != open_connections
        ):
            self._changed.clear()
            await self._changed.wait()

    def opened(self, connection: "_Connection") -> int:
        """Enter a connection; return its number."""
        self._connections.add(connection)
        self.ledger.connections += 1
        self.ledger.open_connections += 1
        self._changed.set()
        return self.ledger.connections

    def requested(self, record: Record) -> None:
        """Enter a request."""
        self.ledger.records.append(record)
        self._changed.set()

    def closed(self, connection: "_Connection") -> None:
        """Take a connection out."""
        self._connections.discard(connection)
        self.ledger.open_connections -= 1
        self._changed.set()


@define(eq=False)
class _Connection(asyncio.Protocol):
    faultd: Faultd
    lost: asyncio.Event = field(factory=asyncio.Event)
    _number: int = 0
    _transport: asyncio.Transport = field(init=False)
    _buffer: bytearray = field(factory=bytearray)
    _writable: asyncio.Event = field(factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _record: Record | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._writable.set()
        self._number = self.faultd.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.faultd.handshake == "plain":
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif self.faultd.handshake == "close":
            self._transport.abort()
        elif not self.faultd.handshake:
            self._buffer += data
            self._next_request()

    def eof_received(self) -> None:
        self._note_close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_close()
        self._writable.set()
        self.lost.set()
        if self._task is not None:
            self._task.cancel()
        self.faultd.closed(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def stop(self) -> None:
        self._transport.abort()

    def _note_close(self) -> None:
        record = self._record
        if record and not record.upstream_closed and record.client_closed is None:
            record.client_closed = time.monotonic()

    def _next_request(self) -> None:
        head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not separator or self._task is not None:
            return
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer[:] = rest[length:]
        method, path, _ = start.split(" ")
        body = rest[:length]
        choice = self.faultd.next_choice(body)
        number = len(self.faultd.ledger.records)
        self._record = Record(number, self._number, method, path, headers, body, choice.name)
        self.faultd.requested(self._record)
        wire = Wire(self._transport, self._record, choice.numbers, self._writable, self.lost)
        self._task = asyncio.get_running_loop().create_task(self._run(choice, wire))

    async def _run(self, choice: Choice, wire: Wire) -> None:
        try:
            await FAULTS[choice.name](wire)
        except ConnectionResetError:
            return
        finally:
            wire.record.finished = time.monotonic()
            self._task = None
        self._record = None
        self._next_request()
