"""Answers that break HTTP/1.1; after the bytes the connection stays open."""

from collections.abc import Awaitable, Callable

from .wire import Wire

_OK = b"HTTP/1.1 200 OK\r\n"
_LONG = b"x" * 9000
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_EMPTY = b"Content-Length: 0\r\n\r\n"

ANSWERS = {
    "length-and-chunked": _OK
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two-lengths": _OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "negative-length": _OK + b"Content-Length: -5\r\n\r\nhello",
    "huge-length": _OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "word-length": _OK + b"Content-Length: five\r\n\r\nhello",
    "bad-chunk-size": _OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "negative-chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "huge-chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello",
    "long-chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!!\r\n0\r\n\r\n",
    "long-header": _OK + b"X-Long: " + _LONG + b"\r\nContent-Length: 0\r\n\r\n",
    "long-name": _OK + _LONG + b": x\r\nContent-Length: 0\r\n\r\n",
    "long-reason": b"HTTP/1.1 200 " + _LONG + b"\r\nContent-Length: 0\r\n\r\n",
    "many-headers": _OK + b"X-Many: x\r\n" * 500 + b"Content-Length: 0\r\n\r\n",
    "two-status-lines": _OK + _OK + b"Content-Length: 0\r\n\r\n",
    "nul-header": _OK + b"X-Nul: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "space-in-name": _OK + b"X Space: a\r\nContent-Length: 0\r\n\r\n",
    "no-colon-header": _OK + b"nonsense\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\x01\x02\x03 not http at all\r\n\r\n",
    "http2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
    "http2-status": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "far-version": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad-status": b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n",
    "small-status": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "interim-storm": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunked-and-length": _OK + b"Transfer-Encoding: chunked\r\n" + _EMPTY + b"0\r\n\r\n",
    "length-list": _OK + b"Content-Length: 5, 6\r\n\r\nhello",
    "plus-length": _OK + b"Content-Length: +5\r\n\r\nhello",
    "hex-length": _OK + b"Content-Length: 0x5\r\n\r\nhello",
    "spaced-length": _OK + b"Content-Length: 5 5\r\n\r\nhello",
    "fraction-length": _OK + b"Content-Length: 5.0\r\n\r\nhello",
    "empty-length": _OK + b"Content-Length: \r\n\r\nhello",
    "overflowing-length": _OK + b"Content-Length: 18446744073709551617\r\n\r\nh",
    "largest-length": _OK + b"Content-Length: 18446744073709551615\r\n\r\nhello",
    "empty-chunk-size": _CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "hex-chunk-size": _CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "plus-chunk-size": _CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "spaced-chunk-size": _CHUNKED + b"5 5\r\nhello\r\n0\r\n\r\n",
    "underscored-chunk-size": _CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n",
    "overflowing-chunk": _CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "chunk-without-end": _CHUNKED + b"5\r\nhello5\r\nhello\r\n0\r\n\r\n",
    "garbage-after-chunk": _CHUNKED + b"5\r\nhello\r\n\x00\xff\r\n0\r\n\r\n",
    "line-break-in-value": _OK + b"X-Break: a\rb\r\n" + _EMPTY,
    "nul-in-name": _OK + b"X-\x00Nul: a\r\n" + _EMPTY,
    "space-before-colon": _OK + b"X-Space : a\r\n" + _EMPTY,
    "empty-name": _OK + b": a\r\n" + _EMPTY,
    "no-version": b"200 OK\r\n" + _EMPTY,
    "bare-version": b"HTTP/ 200 OK\r\n" + _EMPTY,
    "long-status": b"HTTP/1.1 2000 OK\r\n" + _EMPTY,
    "negative-status": b"HTTP/1.1 -200 OK\r\n" + _EMPTY,
}

ODD = {
    "chunked-twice": _OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked-not-last": _OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "unknown-coding": _OK + b"Transfer-Encoding: rot13\r\n\r\nhello",
    "misspelt-coding": _OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two-codings": _OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "control-in-value": _OK + b"X-Control: a\x01b\r\n" + _EMPTY,
    "folded-length": _OK + b"Content-Length:\r\n 5\r\n\r\nhello",
    "folded-first-line": _OK + b" X-Folded: a\r\n" + _EMPTY,
}
"""What RFC 9112 forbids to send, but lets a client read; the connection then goes on as usual."""


def _fault(data: bytes) -> Callable[[Wire], Awaitable[None]]:
    async def send(wire: Wire) -> None:
        await wire.send(data)
        await wire.transport_closed()

    return send


async def extra_bytes(wire: Wire) -> None:
    """A good answer and the beginning of another that was not requested."""
    await wire.answer(b"first")
    await wire.send(b"HTTP/1.1 200 OK\r\nX-Poison: ")


async def extra_answer(wire: Wire) -> None:
    """Two whole answers to one request, in one segment."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
    await wire.send(answer + answer.replace(b"first", b"other"))


def _odd(data: bytes) -> Callable[[Wire], Awaitable[None]]:
    async def send(wire: Wire) -> None:
        await wire.send(data)

    return send


FAULTS = {
    **{name: _fault(data) for name, data in ANSWERS.items()},
    **{name: _odd(data) for name, data in ODD.items()},
    "extra-bytes": extra_bytes,
    "extra-answer": extra_answer,
}
