"""What a fault writes with: raw bytes, HTTP chunks, server-sent events, a FIN or a reset."""

import asyncio
import socket
import struct

from attrs import define

from .ledger import Record

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@define(eq=False)
class Wire:
    """The sending side of one connection during one request; `numbers` are the fault's."""

    transport: asyncio.Transport
    record: Record
    numbers: tuple[int, ...]
    writable: asyncio.Event
    lost: asyncio.Event

    def number(self, default: int) -> int:
        """The fault's first number, as in `late-200`."""
        return self.numbers[0] if self.numbers else default

    async def send(self, data: bytes) -> None:
        """Send `data` as it is, and wait while the client does not read."""
        if self.transport.is_closing():
            raise ConnectionResetError
        self.transport.write(data)
        self.record.bytes_sent += len(data)
        await self.writable.wait()

    async def chunk(self, data: bytes) -> None:
        """Send `data` as one HTTP chunk."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def event(self, data: bytes) -> None:
        """Send one server-sent event in an HTTP chunk of its own."""
        await self.chunk(b"data: %b\n\n" % data)
        self.record.events_sent += 1

    async def answer(self, body: bytes, *headers: bytes, status: bytes = b"200 OK") -> None:
        """Send a legal answer with Content-Length."""
        lines = b"".join(header + b"\r\n" for header in headers)
        head = b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n" % (status, lines, len(body))
        await self.send(head + body)

    async def transport_closed(self) -> None:
        """Wait, in silence, until the connection is gone."""
        await self.lost.wait()

    def fin(self) -> None:
        """Close in good order once everything is sent."""
        self.record.upstream_closed = True
        self.transport.close()

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.record.upstream_closed = True
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
