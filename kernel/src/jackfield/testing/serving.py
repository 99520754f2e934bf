"""A gateway on loopback, for official SDKs and other clients that speak HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jackfield._server.handler import Handler
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    """Serve on a free port of loopback until the block ends; gives the URL, without a path."""
    server = Server(handler)
    (listener,) = bind_all(["127.0.0.1:0"])
    port = listener.getsockname()[1]
    await server.start([listener])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.drain(0)
