"""Answers in good order whose content is not what it claims to be, or ends twice."""

import asyncio
import gzip
import json
import zlib
from functools import cache

from .good import JSON_TYPE, completion, delta
from .wire import STREAM_HEAD, Wire

_EVENT = b"data: " + delta("x") + b"\n\n"
_DONE = b"data: [DONE]\n\n"
_ERROR = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}
_ERROR_EVENT = b"data: " + json.dumps(_ERROR).encode() + b"\n\n"
_END = b"0\r\n\r\n"


async def _stream(wire: Wire, *chunks: bytes) -> None:
    await wire.send(STREAM_HEAD)
    for chunk in chunks:
        await wire.chunk(chunk)


async def disguised_error(wire: Wire) -> None:
    """An error object with status 200."""
    await wire.answer(json.dumps(_ERROR).encode(), JSON_TYPE)


async def empty(wire: Wire) -> None:
    """200 and no body."""
    await wire.answer(b"", JSON_TYPE)


async def empty_object(wire: Wire) -> None:
    """200 and `{}`."""
    await wire.answer(b"{}", JSON_TYPE)


async def empty_sse(wire: Wire) -> None:
    """A stream without an event, in good order."""
    await wire.send(STREAM_HEAD + _END)


async def cut_json(wire: Wire) -> None:
    """A completion cut after N bytes (60), with the Content-Length of what is there."""
    await wire.answer(completion()[: wire.number(60)], JSON_TYPE)


async def wrong_shape(wire: Wire) -> None:
    """A completion whose choices are a number."""
    await wire.answer(b'{"id":"x","object":"chat.completion","choices":7}', JSON_TYPE)


async def deep(wire: Wire) -> None:
    """N brackets (1000000) inside a completion."""
    count = wire.number(1_000_000)
    nested = b"[" * count + b"]" * count
    await wire.answer(completion()[:-1] + b',"x":' + nested + b"}", JSON_TYPE)


async def deep_sse(wire: Wire) -> None:
    """An event with N brackets (1000000)."""
    count = wire.number(1_000_000)
    nested = b'data: {"error":' + b"[" * count + b"]" * count + b"}\n\n"
    await _stream(wire, _EVENT, nested, _DONE)
    await wire.send(_END)


async def wide_numbers(wire: Wire) -> None:
    """Token counts of N digits (30)."""
    await wire.answer(completion().replace(b": 7", b": " + b"7" * wire.number(30)), JSON_TYPE)


async def bad_utf8(wire: Wire) -> None:
    """A completion with bytes that are not UTF-8."""
    await wire.answer(completion("Hello").replace(b"Hello", b"\xff\xfe\x80"), JSON_TYPE)


async def bad_utf8_sse(wire: Wire) -> None:
    """An event with bytes that are not UTF-8."""
    await _stream(wire, _EVENT, _EVENT.replace(b'"x"', b'"\xff\xfe"'), _DONE)
    await wire.send(_END)


async def array_sse(wire: Wire) -> None:
    """An event whose JSON is an array."""
    await _stream(wire, _EVENT, b"data: [1,2]\n\n", _DONE)
    await wire.send(_END)


async def octets(wire: Wire) -> None:
    """Bytes of the type application/octet-stream."""
    await wire.answer(bytes(range(256)), b"Content-Type: application/octet-stream")


async def html_sse(wire: Wire) -> None:
    """A page in HTML that calls itself an event stream."""
    await wire.answer(b"<html><body>Sign in</body></html>", b"Content-Type: text/event-stream")


async def json_sse(wire: Wire) -> None:
    """A completion that calls itself an event stream."""
    await wire.answer(completion(), b"Content-Type: text/event-stream")


async def error_first(wire: Wire) -> None:
    """A stream whose first event is an error."""
    await _stream(wire, _ERROR_EVENT)
    await wire.send(_END)


async def error_done(wire: Wire) -> None:
    """An event, an error event, then [DONE] as if nothing had happened."""
    await _stream(wire, _EVENT, _ERROR_EVENT, _DONE)
    await wire.send(_END)


async def error_batch(wire: Wire) -> None:
    """The same, all in one chunk."""
    await _stream(wire, _EVENT + _ERROR_EVENT + _DONE)
    await wire.send(_END)


async def named_error(wire: Wire) -> None:
    """An event called `error` whose data is not JSON."""
    await _stream(wire, _EVENT, b"event: error\ndata: overloaded\n\n", _DONE)
    await wire.send(_END)


async def done_stall(wire: Wire) -> None:
    """A whole stream whose last chunk never comes."""
    await _stream(wire, _EVENT, _DONE)
    await wire.transport_closed()


async def done_reset(wire: Wire) -> None:
    """A whole stream, then a TCP reset instead of the last chunk."""
    await _stream(wire, _EVENT, _DONE)
    wire.reset()


async def done_more(wire: Wire) -> None:
    """Events and an error behind [DONE]."""
    await _stream(wire, _EVENT, _DONE, _EVENT, _ERROR_EVENT)
    await wire.send(_END)


async def done_flood(wire: Wire) -> None:
    """Events without end behind [DONE]."""
    await _stream(wire, _EVENT, _DONE)
    while True:
        await wire.chunk(_EVENT * 1000)


async def done_unended(wire: Wire) -> None:
    """A stream whose [DONE] lacks its blank line, in good order."""
    await _stream(wire, _EVENT, b"data: [DONE]")
    await wire.send(_END)


async def no_done(wire: Wire) -> None:
    """A stream that says why it finished, but not [DONE]."""
    await _stream(wire, _EVENT, b"data: " + delta("", "stop") + b"\n\n")
    await wire.send(_END)


async def comments(wire: Wire) -> None:
    """Comments without end, N ms (100) apart, and no event."""
    await wire.send(STREAM_HEAD)
    while not wire.lost.is_set():
        await wire.chunk(b": working\n\n")
        await asyncio.sleep(wire.number(100) / 1000)


async def gzip_sse(wire: Wire) -> None:
    """A whole stream in gzip."""
    packed = gzip.compress(_EVENT + _DONE)
    await wire.answer(packed, b"Content-Type: text/event-stream", b"Content-Encoding: gzip")


async def gzip_sse_cut(wire: Wire) -> None:
    """The same, without its last N bytes (9), in good order."""
    packed = gzip.compress(_EVENT + _DONE)[: -wire.number(9)]
    await wire.answer(packed, b"Content-Type: text/event-stream", b"Content-Encoding: gzip")


async def gzip_sse_bomb(wire: Wire) -> None:
    """An event, then N MiB (512) of a comment, in gzip."""
    packed = _bomb(wire.number(512))
    await wire.answer(packed, b"Content-Type: text/event-stream", b"Content-Encoding: gzip")


@cache
def _bomb(count: int) -> bytes:
    # After a full flush nothing refers back, so that a mebibyte has to be packed only once.
    start, mebibyte, end = _EVENT + b":", b"x" * (1024 * 1024), b"\n\n" + _DONE
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    packed += (packer.compress(mebibyte) + packer.flush(zlib.Z_FULL_FLUSH)) * count
    packed += packer.compress(end) + packer.flush()
    checksum = 0
    for piece in (start, *[mebibyte] * count, end):
        checksum = zlib.crc32(piece, checksum)
    size = len(start) + len(mebibyte) * count + len(end)
    head = b"\x1f\x8b\x08" + bytes(5) + b"\x02\xff"
    return head + packed + checksum.to_bytes(4, "little") + size.to_bytes(4, "little")


async def gossip(wire: Wire) -> None:
    """400 with a message that repeats the address and the key."""
    await wire.answer(_gossip(wire), JSON_TYPE, status=b"400 Bad Request")


async def gossip_sse(wire: Wire) -> None:
    """An error event that repeats the address and the key."""
    await _stream(wire, _EVENT, b"data: " + _gossip(wire) + b"\n\n")
    await wire.send(_END)


def _gossip(wire: Wire) -> bytes:
    headers = wire.record.headers
    where = f"http://{headers.get('host', '')}{wire.record.path}"
    message = f"POST {where} with {headers.get('authorization', '')} failed"
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()


async def trailer_storm(wire: Wire) -> None:
    """A completion in chunks, with trailers without end."""
    body = completion()
    head = b"HTTP/1.1 200 OK\r\n%b\r\nTransfer-Encoding: chunked\r\n\r\n" % JSON_TYPE
    await wire.send(head + b"%x\r\n%b\r\n0\r\n" % (len(body), body))
    while True:
        await wire.send(b"X-Trailer: x\r\n" * 1000)


async def extension_storm(wire: Wire) -> None:
    """A chunk whose extension never ends."""
    await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=")
    while True:
        await wire.send(b"x" * 10_000)


async def tiny_chunks(wire: Wire) -> None:
    """A completion in chunks of one byte, each with an extension."""
    await wire.send(b"HTTP/1.1 200 OK\r\n%b\r\nTransfer-Encoding: chunked\r\n\r\n" % JSON_TYPE)
    for byte in completion():
        await wire.send(b"1;ext=value\r\n%c\r\n" % byte)
    await wire.send(_END)


FAULTS = {
    "disguised-error": disguised_error,
    "empty": empty,
    "empty-object": empty_object,
    "empty-sse": empty_sse,
    "cut-json": cut_json,
    "wrong-shape": wrong_shape,
    "deep": deep,
    "deep-sse": deep_sse,
    "wide-numbers": wide_numbers,
    "bad-utf8": bad_utf8,
    "bad-utf8-sse": bad_utf8_sse,
    "array-sse": array_sse,
    "octets": octets,
    "html-sse": html_sse,
    "json-sse": json_sse,
    "error-first": error_first,
    "error-done": error_done,
    "error-batch": error_batch,
    "named-error": named_error,
    "done-stall": done_stall,
    "done-reset": done_reset,
    "done-more": done_more,
    "done-flood": done_flood,
    "done-unended": done_unended,
    "no-done": no_done,
    "comments": comments,
    "gzip-sse": gzip_sse,
    "gzip-sse-cut": gzip_sse_cut,
    "gzip-sse-bomb": gzip_sse_bomb,
    "gossip": gossip,
    "gossip-sse": gossip_sse,
    "trailer-storm": trailer_storm,
    "extension-storm": extension_storm,
    "tiny-chunks": tiny_chunks,
}
