"""The server as an ordinary client sees it."""

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jackfield._server.server import Server
from jackfield._server.sockets import bind_all

if TYPE_CHECKING:
    from kernel.tests.server.conftest import SampleGateway, Serve

POST = b"POST /chat?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_request_reaches_the_gateway_whole(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(POST.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    seen = json.loads(body_of(answer))
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/chat", "a=1")
    assert (seen["body"], seen["client"]) == ("hello", "127.0.0.1")


async def test_one_connection_serves_many_requests(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    for _ in range(5):
        writer.write(POST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head.lower()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert json.loads(await reader.readexactly(length))["body"] == "hello"
    writer.close()


async def test_pipelined_requests_are_answered_in_turn(serve: "Serve") -> None:
    served = await serve()
    gets = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20))
    answer = await served.exchange(
        gets + b"GET /20 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 21
    assert [request.path for request in served.gateway.requests] == [f"/{n}" for n in range(21)]


async def test_what_comes_while_a_request_runs_waits_for_its_answer(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.gateway.entered.wait()
    for _ in range(3):
        writer.write(POST)
        await writer.drain()
    assert len(served.gateway.requests) == 1
    served.gateway.release.set()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 5
    writer.close()


async def test_a_request_may_come_byte_by_byte(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    for number in range(len(POST)):
        writer.write(POST[number : number + 1])
        await asyncio.sleep(0)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_offer_of_http_2_is_left(serve: "Serve") -> None:
    served = await serve()
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    upgrade = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + offer + b"\r\nab"
    # What follows such a request on its connection is not read: it might be either protocol.
    answer = await served.exchange(upgrade + b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"Connection: close\r\n") == 1
    assert [request.body for request in served.gateway.requests] == [b"ab"]


async def test_a_chunked_body_is_put_together(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(2000):
        writer.write(b"1\r\na\r\n")
    writer.write(b"0\r\n\r\n")
    assert json.loads(body_of(await reader.read()))["size"] == 2000
    writer.close()


async def test_http_1_0_is_served_and_closed(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close\r\n" in answer


async def test_head_has_the_length_but_no_body(serve: "Serve") -> None:
    served = await serve()
    answer = await served.exchange(b"HEAD /big?77 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 77\r\n" in answer
    assert body_of(answer) == b""


async def test_204_has_neither_length_nor_body(serve: "Serve") -> None:
    served = await serve()
    answer = await served.get("/empty")
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"content-length" not in answer.lower()


async def test_absolute_form_is_reduced_to_its_path(serve: "Serve") -> None:
    served = await serve()
    seen = json.loads(body_of(await served.get("HTTP://X/a%20b?c=d")))
    assert (seen["path"], seen["query"]) == ("/a%20b", "c=d")


async def test_a_failing_pipeline_is_a_500_without_its_reason(serve: "Serve") -> None:
    served = await serve()
    answer = await served.get("/fail")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"a bug" not in answer


async def test_an_error_of_the_gateway_keeps_its_status(serve: "Serve") -> None:
    served = await serve()
    answer = await served.get("/refuse")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("kind", ["whole", "stream", "number"])
async def test_an_answer_with_a_header_that_cannot_be_sent_is_a_500_and_the_log_names_it(
    serve: "Serve", kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve()
    answer = await served.get(f"/unsafe?{kind}")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body_of(answer))["error"] == "internal_error"
    assert b"Set-Cookie" not in answer
    assert "request req_1: the header 'x-value' is not one line of text" in caplog.text


async def test_the_server_names_no_software(serve: "Serve") -> None:
    served = await serve()
    head = (await served.get("/")).partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nserver:" not in head
    assert b"\r\ndate:" in head


async def test_the_body_is_requested_when_expected(serve: "Serve") -> None:
    served = await serve()
    reader, writer = await served.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"ab")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_several_binds_and_a_unix_socket(sample: "SampleGateway", tmp_path: Path) -> None:
    path = tmp_path / "sock"
    listeners = bind_all(["127.0.0.1:0", "[::1]:0", f"unix:{path}"])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    ports = [each.getsockname()[1] for each in listeners[:2]]
    server = Server(sample)
    await server.start(listeners)
    streams = [await asyncio.open_connection("127.0.0.1", ports[0])]
    streams.append(await asyncio.open_connection("::1", ports[1]))
    streams.append(await asyncio.open_unix_connection(path))
    for reader, writer in streams:
        writer.write(POST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()
    assert [request.client for request in sample.requests] == ["127.0.0.1", "::1", "unix"]
    await server.drain(1)
