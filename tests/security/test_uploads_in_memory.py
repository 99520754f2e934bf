"""Bodies that come all at once: nobody knows yet who sends them."""

import asyncio

from tests.security.wire import Wire

from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing.gateway import ObservedGateway

HEAD = b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
HEAD += b"Content-Length: 100000\r\nConnection: close\r\n\r\n"


async def test_nobody_keeps_the_room_for_bodies_by_sending_no_more(
    gateway: ObservedGateway,
) -> None:
    limits = Limits(bodies=150_000, body_seconds=0.2, sweep_seconds=0.05)
    server, listeners = Server(gateway.frontend, limits), bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    await server.start(listeners)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"x" * 90_000)
    async with asyncio.timeout(5):  # it has earned a minute and a half
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    assert server._state.arriving == 0
    await server.drain(0.0)


async def test_bodies_share_a_bound_whoever_sends_them(gateway: ObservedGateway) -> None:
    server = Server(gateway.frontend, Limits(bodies=150_000))
    listeners = bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    await server.start(listeners)
    _, first = await asyncio.open_connection("127.0.0.1", port)
    first.write(HEAD + b"x" * 90_000)
    await first.drain()
    second = Wire(port).send(HEAD + b"x" * 90_000)
    assert (await second).status == 503
    first.close()
    small = Wire(port).send(HEAD.replace(b"100000", b"10") + b"x" * 10)
    assert (await small).status != 503
    await server.drain(0.0)
    assert server._state.arriving == 0


async def test_a_body_that_can_never_fit_is_too_large(gateway: ObservedGateway) -> None:
    server = Server(gateway.frontend, Limits(bodies=90_000))
    listeners = bind_all(["127.0.0.1:0"])
    await server.start(listeners)
    answer = await Wire(listeners[0].getsockname()[1]).send(HEAD)
    assert answer.status == 413
    assert "90000 bytes" in answer.error["message"]
    await server.drain(0.0)
