"""Bytes to a listener and back: what no HTTP client would send."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from multidict import CIMultiDict

CHAT = "/v1/chat/completions"


@frozen
class Reply:
    """One answer, whole, as it came."""

    raw: bytes

    @property
    def status(self) -> int:
        """Its status; 0 when the connection ended without one."""
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/1.1 ") else 0

    @property
    def headers(self) -> CIMultiDict[str]:
        """Its headers."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return CIMultiDict((name, value.strip()) for name, _, value in pairs)

    @property
    def error(self) -> dict[str, Any]:
        """The error object in its body."""
        found = json.loads(self.raw.partition(b"\r\n\r\n")[2])["error"]
        assert isinstance(found, dict)
        return found


@frozen
class Wire:
    """A listener on loopback. Each request has a connection of its own."""

    port: int
    host: str = field(default="")

    async def send(self, raw: bytes) -> Reply:
        """What comes back until the gateway closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        received = bytearray()
        try:
            while data := await reader.read(65536):
                received += data
        except ConnectionError:
            pass  # what came before counts
        writer.close()
        return Reply(bytes(received))

    async def request(
        self,
        target: str | bytes = CHAT,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Reply:
        """One well-framed request, whose target and headers may be anything."""
        sent = CIMultiDict({"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/json"})
        sent.update(headers or {})
        lines = [f"{name}: {value}".encode() for name, value in sent.items()]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close"]
        target = target.encode() if isinstance(target, str) else target
        first = b"%b %b HTTP/1.1" % (method.encode(), target)
        return await self.send(b"\r\n".join([first, *lines, b"", body]))
