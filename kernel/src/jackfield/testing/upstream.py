"""A provider's HTTP server on loopback that sends scripted replies, byte for byte."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import msgspec
from attrs import define, field, frozen
from multidict import CIMultiDict

from .provider import Gate

Framing = Literal["chunked", "length", "close", "cut"]


@frozen
class Received:
    """One request as received: `head` is its first line and headers, byte for byte."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return self.head.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        """The path with its query."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers, case-insensitive."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return CIMultiDict((name, value.strip()) for name, _, value in pairs)

    def json(self) -> Any:
        """The body as a JSON value."""
        return msgspec.json.decode(self.body)


@frozen
class UpstreamReply:
    """What is sent for one request. The parts of the body are written one by one.

    `framing` is how the end of the body is indicated: by chunks, by its length, by closing the
    connection or, with "cut", not at all: chunks are announced and the connection breaks
    afterwards. At `gate` it waits before the part `at`.
    """

    status: int = 200
    parts: tuple[bytes, ...] = ()
    headers: Mapping[str, str] = field(factory=dict)
    framing: Framing = "chunked"
    gate: Gate | None = None
    at: int = 0


@define(eq=False)
class FakeUpstream:
    """An HTTP server that answers each request with the next reply, in the given order.

    It is an async context manager. `requests` has the requests; `disconnects` counts the clients
    that left in the middle of an answer.
    """

    requests: list[Received] = field(factory=list)
    disconnects: int = 0
    _replies: deque[UpstreamReply] = field(factory=deque)
    _always: UpstreamReply | None = None
    _server: asyncio.Server | None = None
    _running: set[asyncio.Task[None]] = field(factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def base_url(self) -> str:
        """The URL for a provider's `base_url`; add the path that the provider expects."""
        if self._server is None:
            raise RuntimeError("the upstream has not started: use it in `async with`")
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def reply(
        self,
        body: bytes | Sequence[bytes] = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        framing: Framing = "length",
        gate: Gate | None = None,
    ) -> None:
        """Answer the next request. The parts of a sequence are written one by one."""
        parts = (body,) if isinstance(body, bytes) else tuple(body)
        self._replies.append(UpstreamReply(status, parts, headers or {}, framing, gate))

    def reply_json(
        self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the next request with this value as JSON."""
        self.reply(msgspec.json.encode(value), status, headers)

    def stream(
        self,
        parts: Sequence[bytes],
        *,
        framing: Framing = "chunked",
        gate: Gate | None = None,
        at: int = 0,
        content_type: str = "text/event-stream",
    ) -> None:
        """Answer the next request with a stream, cut into `parts`."""
        media = {"Content-Type": content_type}
        self._replies.append(UpstreamReply(200, tuple(parts), media, framing, gate, at))

    def always(self, reply: UpstreamReply | None) -> None:
        """Answer every request that has no reply of its own with this one."""
        self._always = reply

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.disconnects += 1
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection can take another."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        received = Received(head[:-4], b"")
        length = int(received.headers.get("content-length", "0"))
        self.requests.append(Received(head[:-4], await reader.readexactly(length)))
        reply = self._replies.popleft() if self._replies else self._always
        if reply is None:
            reply = UpstreamReply(500, (b"no reply was given for this request",), framing="length")
        await _send(reply, writer)
        return reply.framing in ("chunked", "length")


async def _send(reply: UpstreamReply, writer: asyncio.StreamWriter) -> None:
    headers = CIMultiDict({"Content-Type": "application/json"})
    headers.update(reply.headers)
    if reply.framing == "length":
        headers["Content-Length"] = str(sum(map(len, reply.parts)))
    elif reply.framing == "close":
        headers["Connection"] = "close"
    else:
        headers["Transfer-Encoding"] = "chunked"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} Scripted\r\n{lines}\r\n".encode())
    is_chunked = reply.framing in ("chunked", "cut")
    for at, part in enumerate(reply.parts):
        if reply.gate is not None and at == reply.at:
            await reply.gate.passing()
        writer.write(b"%x\r\n%b\r\n" % (len(part), part) if is_chunked and part else part)
        await writer.drain()
    if reply.framing == "chunked":
        writer.write(b"0\r\n\r\n")
    await writer.drain()
