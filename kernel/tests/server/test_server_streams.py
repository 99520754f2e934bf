"""Streamed answers, slow readers and clients that go away."""

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Serve

PART = b"data: part\n\n"


async def test_each_part_is_one_chunk(serve: "Serve") -> None:
    served = await serve()
    answer = await served.get("/stream?3")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"c\r\n" + PART + b"\r\nc\r\n" + PART + b"\r\nc\r\n" + PART + b"\r\n0\r\n\r\n"
    assert served.gateway.closed.is_set()


async def test_the_head_goes_out_together_with_a_part_that_has_come_already(
    serve: "Serve",
) -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /pushed HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = (await reader.read(65536)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b"c\r\n" + PART + b"\r\n"
    writer.close()


async def test_http_1_0_gets_the_stream_until_the_end_of_the_connection(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(b"GET /stream?2 HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == PART * 2


async def test_the_connection_is_kept_after_a_stream(serve: "Serve") -> None:
    served = await serve()
    stream = b"GET /stream?1 HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await served.exchange(
        stream + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 2


async def test_head_of_a_stream_has_no_body_and_closes_the_stream(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(b"HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert PART not in answer


async def test_a_broken_stream_never_ends_cleanly(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await reader.readuntil(b"\r\n0\r\n\r\n")
    received = caught.value.partial
    assert PART in received or not received
    assert served.gateway.closed.is_set()
    writer.close()


async def test_a_client_that_leaves_a_stream_aborts_the_request(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(PART)
    writer.close()
    await served.gateway.aborted.wait()
    await served.gateway.closed.wait()


async def test_a_client_that_leaves_before_the_answer_aborts_the_request(serve: "Serve") -> None:
    served = await serve()
    _, writer = await served.connect()
    writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.gateway.entered.wait()
    writer.close()
    await served.gateway.aborted.wait()
    assert served.gateway.requests[0].aborted


async def test_a_reset_connection_aborts_the_request(serve: "Serve") -> None:
    served = await serve()
    _, writer = await served.connect()
    writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.gateway.entered.wait()
    writer.transport.abort()
    await served.gateway.aborted.wait()


async def test_a_client_that_does_not_read_is_cut_off(serve: "Serve") -> None:
    served = await serve(write_seconds=0.2, sweep_seconds=0.05)
    with slow_client(served.port) as client:
        client.sendall(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
        await served.gateway.aborted.wait()
        await served.gateway.closed.wait()


async def test_an_unread_answer_does_not_let_the_next_request_run(serve: "Serve") -> None:
    served = await serve(write_seconds=0.2, sweep_seconds=0.05)
    big = b"GET /big?16000000 HTTP/1.1\r\nHost: x\r\n\r\n"
    with slow_client(served.port) as client:
        client.sendall(big * 3)
        await served.gateway.aborted.wait()
    assert len(served.gateway.requests) == 1


def slow_client(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    return client
