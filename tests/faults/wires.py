"""A client on bare sockets: it can leave, dawdle or send nonsense whenever it likes."""

import asyncio
import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from attrs import define, evolve
from tests.faults.views import View, judge


def request(
    body: Mapping[str, Any], *, request_id: str = "", path: str = "/v1/chat/completions"
) -> bytes:
    """A request as bytes."""
    data = json.dumps(body).encode()
    named = f"X-Request-Id: {request_id}\r\n" if request_id else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{named}"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@define(eq=False)
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, port: int) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def read_until(self, mark: bytes) -> bytes:
        """What comes until `mark`."""
        return await self.reader.readuntil(mark)

    async def read_all(self) -> bytes:
        """What comes until the gateway closes."""
        return await self.reader.read()

    async def request(self, data: bytes) -> View:
        """Send a request and read its answer. Raises ConnectionError or IncompleteReadError."""
        began = time.monotonic()
        self.writer.write(data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        named = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readline()
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        view = View("nonsense", int(lines[0][9:12]), headers, body, time.monotonic() - began)
        return evolve(view, kind=judge(view))

    async def leave(self, *, rudely: bool = False) -> float:
        """Close the connection, with a reset if rudely; when that was."""
        left = time.monotonic()
        if rudely:
            self.writer.transport.abort()
        else:
            self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()
        return left


async def dawdle(port: int, data: bytes) -> socket.socket:
    """A connection with a small window that has sent `data` and reads nothing by itself."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, ("127.0.0.1", port))
    await loop.sock_sendall(slow, data)
    return slow
