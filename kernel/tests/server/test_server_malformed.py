"""Bytes that are not HTTP, or HTTP read in two ways: refused, and nothing behind them is served."""

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Serve

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
HOST = b"Host: x\r\n"


def get(line: bytes = b"GET / HTTP/1.1", fields: bytes = b"") -> bytes:
    return line + b"\r\n" + HOST + fields + b"\r\n"


def post(fields: bytes, body: bytes = b"") -> bytes:
    return get(b"POST / HTTP/1.1", fields) + body


def chunked(body: bytes, fields: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    return post(fields, body)


CL = b"Content-Length: 5\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
LAST = b"0\r\n\r\n"

VECTORS = {
    "chunk size is no number": chunked(b"g\r\na\r\n" + LAST),
    "chunk size is empty": chunked(b"\r\na\r\n" + LAST),
    "chunk size is negative": chunked(b"-1\r\na\r\n" + LAST),
    "chunk size has a plus": chunked(b"+1\r\na\r\n" + LAST),
    "chunk size has 0x": chunked(b"0x1\r\na\r\n" + LAST),
    "chunk size overflows": chunked(b"fffffffffffffffff\r\na\r\n" + LAST),
    "chunk size has a space before": chunked(b" 1\r\na\r\n" + LAST),
    "chunk size has a space behind": chunked(b"1 \r\na\r\n" + LAST),
    "chunk size has an underscore": chunked(b"1_0\r\n" + b"a" * 16 + b"\r\n" + LAST),
    "chunk size line ends in LF": chunked(b"1\na\r\n" + LAST),
    "chunk size line ends in CR": chunked(b"1\ra\r\n" + LAST),
    "chunk is longer than its size": chunked(b"1\r\nabc\r\n" + LAST),
    "chunk ends in LF": chunked(b"1\r\na\n" + LAST),
    "chunk extension has NUL": chunked(b"1;a=\0\r\na\r\n" + LAST),
    "chunk extension has bare LF": chunked(b"1;a\nb\r\na\r\n" + LAST),
    "trailer has no name": chunked(b"0\r\n: a\r\n\r\n"),
    "length and chunked": chunked(LAST, CL + TE),
    "chunked and length": chunked(LAST, TE + CL),
    "chunked twice": chunked(LAST, TE + TE),
    "chunked and identity": chunked(LAST, TE + b"Transfer-Encoding: identity\r\n"),
    "chunked, chunked": chunked(LAST, b"Transfer-Encoding: chunked, chunked\r\n"),
    "gzip, chunked": chunked(LAST, b"Transfer-Encoding: gzip, chunked\r\n"),
    "chunked, gzip": chunked(LAST, b"Transfer-Encoding: chunked, gzip\r\n"),
    "identity": chunked(LAST, b"Transfer-Encoding: identity\r\n"),
    "xchunked": chunked(LAST, b"Transfer-Encoding: xchunked\r\n"),
    "chunked in quotes": chunked(LAST, b'Transfer-Encoding: "chunked"\r\n'),
    "chunked after vertical tab": chunked(LAST, b"Transfer-Encoding: \x0bchunked\r\n"),
    "chunked with a parameter": chunked(LAST, b"Transfer-Encoding: chunked;a=b\r\n"),
    "chunked is empty": chunked(LAST, b"Transfer-Encoding:\r\n" + CL),
    "space before the colon": chunked(LAST, b"Transfer-Encoding : chunked\r\n"),
    "tab before the colon": chunked(LAST, b"Transfer-Encoding\t: chunked\r\n"),
    "space before the name": chunked(LAST, b" Transfer-Encoding: chunked\r\n"),
    "folded transfer-encoding": chunked(LAST, b"Transfer-Encoding:\r\n chunked\r\n"),
    "folded header": get(fields=b"A: b\r\n c: d\r\n"),
    "chunked in HTTP/1.0": get(b"POST / HTTP/1.0", TE) + LAST,
    "NUL in the name": get(fields=b"A\0: b\r\n"),
    "NUL in the value": get(fields=b"A: b\0c\r\n"),
    "CR in the value": get(fields=b"A: b\rc\r\n"),
    "LF ends a header": get(fields=b"A: b\nContent-Length: 37\r\n"),
    "LF ends the request line": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "LF only": b"GET / HTTP/1.1\nHost: x\n\n",
    "CR only": b"GET / HTTP/1.1\rHost: x\r\r",
    "header without colon": get(fields=b"A\r\n"),
    "header without name": get(fields=b": a\r\n"),
    "name with a space": get(fields=b"A B: c\r\n"),
    "name beyond ASCII": get(fields="Ä: b\r\n".encode()),
    "length is negative": post(b"Content-Length: -1\r\n"),
    "length has a plus": post(b"Content-Length: +5\r\n", b"hello"),
    "length has an underscore": post(b"Content-Length: 1_0\r\n", b"0123456789"),
    "length is hexadecimal": post(b"Content-Length: 0x5\r\n", b"hello"),
    "length overflows": post(b"Content-Length: 18446744073709551616\r\n"),
    "length is the largest there is": post(b"Content-Length: 18446744073709551615\r\n"),
    "length is the largest after zeros": post(b"Content-Length: 0018446744073709551615\r\n"),
    "length is empty": post(b"Content-Length: \r\n"),
    "length is a list": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "length is broken by a space": post(b"Content-Length: 5 5\r\n", b"hello"),
    "length twice, equal": post(CL + CL, b"hello"),
    "length twice, unequal": post(CL + b"Content-Length: 6\r\n", b"hello"),
    "length in other digits": post("Content-Length: ٥\r\n".encode(), b"hello"),
    "length with a space before the colon": post(b"Content-Length : 5\r\n", b"hello"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "host twice": get(fields=b"Host: y\r\n"),
    "no version": b"GET /\r\nHost: x\r\n\r\n",
    "version 0.9": get(b"GET / HTTP/0.9"),
    "version 1.2": get(b"GET / HTTP/1.2"),
    "version 1.10": get(b"GET / HTTP/1.10"),
    "version 2.0": get(b"GET / HTTP/2.0"),
    "version in lower case": get(b"GET / http/1.1"),
    "version with a space": get(b"GET / HTTP/ 1.1"),
    "words behind the version": get(b"GET / HTTP/1.1 x"),
    "space in the target": get(b"GET /a b HTTP/1.1"),
    "NUL in the target": get(b"GET /a\0b HTTP/1.1"),
    "fragment in the target": get(b"GET /a#b HTTP/1.1"),
    "bytes beyond ASCII in the target": get("GET /ä HTTP/1.1".encode()),
    "target on another host": get(b"GET http://y/ HTTP/1.1"),
    "target on another port": get(b"GET http://x:81/ HTTP/1.1"),
    "target with a user": get(b"GET http://a@x/ HTTP/1.1"),
    "target with a password": get(b"GET http://a:b@x/ HTTP/1.1"),
    "target of another scheme": get(b"GET ftp://x/ HTTP/1.1"),
    "target of another protocol": get(b"OPTIONS rtsp://x/ RTSP/1.0"),
    "target with a broken host": get(b"GET http://[::1/ HTTP/1.1"),
    "target that is a query": get(b"GET ?a=b HTTP/1.1"),
    "target without slash": get(b"GET a HTTP/1.1"),
    "method in lower case": get(b"get / HTTP/1.1"),
    "method with NUL": get(b"G\0T / HTTP/1.1"),
    "unknown method": get(b"FETCH / HTTP/1.1"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "websocket key of old": get(fields=b"Sec-WebSocket-Key1: a\r\n"),
    "garbage": bytes(range(256)),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
async def test_malformed_is_refused_and_nothing_is_smuggled(serve: "Serve", vector: bytes) -> None:
    served = await serve()
    answer = await served.exchange(vector + SMUGGLED)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 "))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not served.gateway.requests


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
async def test_malformed_is_refused_behind_a_good_request(serve: "Serve", vector: bytes) -> None:
    served = await serve()
    answer = await served.exchange(get() + vector + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert [request.path for request in served.gateway.requests] == ["/"]


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
async def test_malformed_is_refused_byte_by_byte(serve: "Serve", vector: bytes) -> None:
    served = await serve()
    reader, writer = await served.connect()
    for number in range(len(vector)):
        writer.write(vector[number : number + 1])
        await writer.drain()
    writer.write(SMUGGLED)
    answer = await reader.read()
    writer.close()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not served.gateway.requests


async def test_malformed_requests_are_logged_once_a_second_without_their_bytes(
    serve: "Serve", caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another library's logging configuration may have switched off the loggers it found.
    monkeypatch.setattr(logging.getLogger("jackfield.server"), "disabled", False)
    served = await serve()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await served.exchange(b"SECRET / HTTP/1.1\r\n\r\n")
    lines = [record.getMessage() for record in caplog.records]
    assert 1 <= len(lines) <= 2
    assert "127.0.0.1" in lines[0]
    assert "SECRET" not in caplog.text
    assert "Traceback" not in caplog.text
