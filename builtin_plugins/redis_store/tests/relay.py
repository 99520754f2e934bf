"""A way to a server on which the network can be made to fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from attrs import define, field

Mode = Literal["pass", "swallow", "refuse"]


@define(eq=False)
class Relay:
    """Passes bytes on, `delay` seconds late; or swallows them, or refuses connections."""

    target: int
    mode: Mode = "pass"
    delay: float = 0.0
    port: int = 0
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(factory=set)
    _tasks: set[asyncio.Task[None]] = field(factory=set)

    @property
    def url(self) -> str:
        """Where the store is to connect to."""
        return f"redis://127.0.0.1:{self.port}/0"

    def reset(self) -> None:
        """Break all connections, as when a network goes away."""
        for writer in self._open:
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client to the server."""
        self.connections += 1
        if self.mode == "refuse":
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self._open |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Break all connections for good."""
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await source.read(65536):
                if self.mode == "swallow":
                    continue
                loop.call_later(self.delay, _write, sink, data)
        except OSError:
            pass
        finally:
            self._open.discard(sink)
            sink.transport.abort()


def _write(sink: asyncio.StreamWriter, data: bytes) -> None:
    if not sink.is_closing():
        sink.write(data)


@asynccontextmanager
async def relaying(port: int) -> AsyncIterator[Relay]:
    """A relay to a port of this machine, open inside the block."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.close()
