"""How a server stops: what is under way is finished, what is idle is closed, the rest is ended."""

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Serve

WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_running_request_is_finished_with_connection_close(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(WAIT)
    await served.gateway.entered.wait()
    draining = asyncio.create_task(served.server.drain(10))
    await asyncio.sleep(0)
    served.gateway.release.set()
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close\r\n" in answer
    writer.close()
    await draining


async def test_it_is_watched_while_a_request_runs(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    watched = [served.server.watched]
    writer.write(WAIT)
    await served.gateway.entered.wait()
    watched.append(served.server.watched)
    served.gateway.release.set()
    await reader.readuntil(b"}")
    watched.append(served.server.watched)
    assert watched == [False, True, True]  # at last by who may use the connection again
    writer.close()


async def test_a_readiness_check_sees_the_shutdown(serve: "Serve") -> None:
    served = await serve()
    watched = []
    for path in ("/health", "/ready", "/health"):
        await served.get(path)
        watched.append(served.server.watched)
    assert watched == [False, True, True]


async def test_an_idle_connection_is_closed_and_no_new_one_accepted(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"}")
    draining = asyncio.create_task(served.server.drain(10))
    assert await reader.read() == b""
    writer.close()
    await draining
    with pytest.raises(ConnectionRefusedError):
        await served.connect()


async def test_a_kept_connection_is_announced_to_close_before_it_is_closed(serve: "Serve") -> None:
    served = await serve()
    served.server.announce_end()
    for _ in range(2):  # so that it goes on elsewhere, or here for as long as it accepts
        reader, writer = await served.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"Connection: close\r\n" in answer
        writer.close()


async def test_after_a_begun_stream_connection_close_comes_with_the_next_answer(
    serve: "Serve",
) -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /endless?2 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"Connection: close" not in await reader.readuntil(b"\r\n\r\n")
    served.server.announce_end()
    served.gateway.release.set()
    await reader.readuntil(b"0\r\n\r\n")
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"Connection: close\r\n" in await reader.read()
    writer.close()


async def test_whose_stream_had_begun_is_not_waited_for_long(serve: "Serve") -> None:
    served = await serve(greeting_seconds=0.05, sweep_seconds=0.01)
    reader, writer = await served.connect()
    writer.write(b"GET /endless?2 HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    served.gateway.release.set()
    await served.server.drain(10)
    assert (await reader.read()).endswith(b"0\r\n\r\n")
    writer.close()


async def test_clients_that_wait_to_be_accepted_are_served(serve: "Serve") -> None:
    served = await serve()
    # Blocking calls: the loop has no turn in which it could accept them before it drains.
    clients = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(20)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    draining = asyncio.create_task(served.server.drain(10))
    for client in clients:
        reader, writer = await asyncio.open_connection(sock=client)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
    await draining


async def test_streams_get_their_last_words_after_the_grace(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.gateway.entered.wait()

    async def end_streams() -> None:
        served.gateway.requests[0].abort()

    await served.server.drain(0.05, end_streams)
    assert (await reader.read()).endswith(b"0\r\n\r\n")
    assert served.gateway.closed.is_set()
    writer.close()


async def test_what_does_not_end_is_cut_off_and_aborted(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(WAIT)
    await served.gateway.entered.wait()
    await served.server.drain(0.05)
    assert await reader.read() == b""
    assert served.gateway.aborted.is_set()
    assert not served.server.watched
    writer.close()


async def test_a_new_gateway_takes_over_for_later_requests(serve: "Serve") -> None:
    served = await serve()
    old = served.gateway
    other = await serve()
    served.server.replace_handler(other.gateway)
    await served.get("/")
    assert not old.requests
    assert len(other.gateway.requests) == 1
