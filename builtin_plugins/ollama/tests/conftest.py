"""A gateway on loopback for clients that speak HTTP, as Ollama's own does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aiohttp import web

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Serving = Callable[[str], AbstractAsyncContextManager[str]]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
def serving() -> Serving:
    return serve


@asynccontextmanager
async def serve(toml: str) -> AsyncIterator[str]:
    """The address of a gateway with this configuration."""
    async with run_gateway(toml) as gateway:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{rest:.*}", _handler(gateway))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
        await runner.cleanup()


def _handler(gateway: GatewayClient) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        sent = {name: value for name, value in request.headers.items() if name != "Content-Length"}
        body = await request.read()
        answer = await gateway.send(request.method, request.path_qs, body=body, headers=sent)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        async for batch in answer.batches():
            await response.write(batch)
        await response.write_eof()
        return response

    return handle
