"""What the server refuses or cuts off: sizes, deadlines, numbers, overload."""

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Serve

QUICK = {"sweep_seconds": 0.05, "head_seconds": 0.2, "body_seconds": 0.2, "idle_seconds": 0.2}
CHUNKED = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["X: " + "a" * 16_000], 200),
        (["X: " + "a" * 16_400], 431),
        ([f"X{n}: " + "a" * 1000 for n in range(17)], 431),
        ([f"X{n}: a" for n in range(97)], 200),
        ([f"X{n}: a" for n in range(120)], 431),
        (["Upgrade: websocket", "Connection: upgrade"], 400),
        (["Content-Encoding: gzip"], 415),
        (["Content-Encoding: identity"], 200),
        (["Expect: a-pony"], 417),
    ],
)
async def test_headers_are_judged(serve: "Serve", lines: list[str], status: int) -> None:
    served = await serve()
    assert status_of(await served.get("/", *lines)) == status


async def test_a_head_that_never_ends_is_refused(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 90 + b"C: " + b"d" * 16_384
    )
    assert status_of(answer) == 431


async def test_a_pipelined_head_over_the_limit_is_refused(serve: "Serve") -> None:
    served = await serve()
    fields = b"".join(b"X%d: %b\r\n" % (n, b"a" * 1000) for n in range(20))
    get = b"GET / HTTP/1.1\r\nHost: x\r\n"
    answer = await served.exchange(get + b"\r\n" + get + fields + b"\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 431") == 1


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND", "LOCK", "PURGE"])
async def test_methods_that_are_not_served_are_405(serve: "Serve", method: str) -> None:
    served = await serve()
    target = b"x:1" if method == "CONNECT" else b"/"
    answer = await served.exchange(
        method.encode() + b" " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert status_of(answer) == 405
    assert not served.gateway.requests


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n",
        b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" + b"a" * 1001,
        b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
        CHUNKED % b"/small" + b"3e9\r\n" + b"a" * 1001 + b"\r\n",
        CHUNKED % b"/small" + b"1\r\na\r\n" * 1001,
    ],
)
async def test_a_body_over_the_limit_is_413(serve: "Serve", request_bytes: bytes) -> None:
    served = await serve()
    answer = await served.exchange(request_bytes)
    assert status_of(answer) == 413
    assert b'"path": "/small"' in answer
    assert b"Connection: close" in answer


async def test_a_body_at_the_limit_is_served(serve: "Serve") -> None:
    served = await serve()
    head = b"POST /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n"
    assert status_of(await served.exchange(head + b"a" * 1000)) == 200


async def test_a_refused_upload_can_still_read_why(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(CHUNKED % b"/small" + b"4e20\r\n" + b"a" * 20_000 + b"\r\n")
    await reader.readuntil(b"413")
    writer.write(b"4e20\r\n" + b"a" * 20_000)
    assert await reader.read()
    writer.close()


async def test_a_silent_client_is_closed(serve: "Serve") -> None:
    served = await serve(**QUICK)
    assert await served.exchange(b"") == b""


async def test_slow_headers_are_408(serve: "Serve") -> None:
    served = await serve(**QUICK)
    assert status_of(await served.exchange(b"GET / HTTP/1.1\r\nHo")) == 408


async def test_a_slow_body_is_408(serve: "Serve") -> None:
    served = await serve(**QUICK)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    assert status_of(await served.exchange(head + b"abc")) == 408


async def test_a_body_that_comes_fast_enough_may_take_longer(serve: "Serve") -> None:
    served = await serve(**{**QUICK, "body_rate": 1})
    reader, writer = await served.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n" + b"a" * 10)
    asyncio.get_running_loop().call_later(0.5, writer.write, b"a")
    assert status_of(await reader.readuntil(b"\r\n\r\n")) == 200
    writer.close()


async def test_an_idle_connection_is_closed_without_a_word(serve: "Serve") -> None:
    served = await serve(**QUICK)
    answer = await served.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_running_request_has_no_deadline_of_the_servers(serve: "Serve") -> None:
    served = await serve(**QUICK)
    asyncio.get_running_loop().call_later(0.5, served.gateway.release.set)
    assert status_of(await served.exchange(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")) == 200


async def test_a_connection_too_many_is_503(serve: "Serve") -> None:
    served = await serve(connections=2)
    held = [await served.connect() for _ in range(2)]
    held[0][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    held[1][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    for reader, _ in held:
        await reader.readuntil(b"\r\n\r\n")
    answer = await served.exchange(b"")
    assert status_of(answer) == 503
    assert b"retry-after: 1\r\n" in answer
    for _, writer in held:
        writer.close()


async def test_who_is_one_too_many_can_read_why_and_is_then_cut_off(serve: "Serve") -> None:
    served = await serve(connections=0, sweep_seconds=0.05, linger_seconds=0.2)
    client = socket.create_connection(("127.0.0.1", served.port))
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000)
    client.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=client)
    assert status_of(await reader.read()) == 503
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0)


async def test_connections_of_one_client_are_counted_when_configured(serve: "Serve") -> None:
    served = await serve(connections_per_client=1)
    assert status_of(await served.get("/")) == 200
    reader, writer = await served.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert status_of(await served.exchange(b"")) == 503
    writer.close()


async def test_requests_over_the_cap_are_shed_but_not_health_checks(serve: "Serve") -> None:
    served = await serve(requests=1)
    _, writer = await served.connect()
    writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.gateway.entered.wait()
    shed = await served.get("/chat")
    assert (status_of(shed), b'"overloaded"' in shed) == (503, True)
    assert b"retry-after: 1\r\n" in shed
    assert status_of(await served.get("/health")) == 200
    assert status_of(await served.get("/ready")) == 200
    writer.close()


async def test_a_late_event_loop_sheds(serve: "Serve") -> None:
    served = await serve(max_lag=0.05, sweep_seconds=0.01)
    loop = asyncio.get_running_loop()
    answers: list[int] = []
    while 503 not in answers:
        loop.call_soon(time.sleep, 0.1)
        answers.append(status_of(await served.get("/")))
    assert answers[-1] == 503
