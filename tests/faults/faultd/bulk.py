"""Bodies that are too much, or compressed."""

import gzip
import zlib

from .good import JSON_TYPE, completion
from .wire import Wire

_MIB = 1024 * 1024


async def huge(wire: Wire) -> None:
    """N MiB (1024) without a declared length, made as they are sent."""
    await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"x" * _MIB
    for _ in range(wire.number(1024)):
        await wire.chunk(piece)
    await wire.send(b"0\r\n\r\n")


async def huge_declared(wire: Wire) -> None:
    """N MiB (1024) with their Content-Length."""
    count = wire.number(1024)
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * _MIB))
    piece = b"x" * _MIB
    for _ in range(count):
        await wire.send(piece)


async def gzip_bomb(wire: Wire) -> None:
    """N MiB (512) of zeros in half a megabyte of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packer.compress(b"")
    mebibyte = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = start + mebibyte + again * (wire.number(512) - 1) + packer.flush()
    await wire.answer(body, JSON_TYPE, b"Content-Encoding: gzip")


async def gzipped(wire: Wire) -> None:
    """A completion in gzip, unasked."""
    await wire.answer(gzip.compress(completion()), JSON_TYPE, b"Content-Encoding: gzip")


async def gzip_members(wire: Wire) -> None:
    """A completion in two gzip members."""
    body = completion()
    packed = gzip.compress(body[:20]) + gzip.compress(body[20:])
    await wire.answer(packed, JSON_TYPE, b"Content-Encoding: gzip")


async def gzip_cut(wire: Wire) -> None:
    """A completion in gzip whose last N bytes (9) are missing."""
    packed = gzip.compress(completion())[: -wire.number(9)]
    await wire.answer(packed, JSON_TYPE, b"Content-Encoding: gzip")


async def gzip_lie(wire: Wire) -> None:
    """Plain JSON that calls itself gzip."""
    await wire.answer(completion(), JSON_TYPE, b"Content-Encoding: gzip")


async def deflated(wire: Wire) -> None:
    """A completion in deflate, as a zlib stream."""
    await wire.answer(zlib.compress(completion()), JSON_TYPE, b"Content-Encoding: deflate")


async def deflated_raw(wire: Wire) -> None:
    """A completion in deflate without zlib's frame."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(completion()) + packer.flush()
    await wire.answer(body, JSON_TYPE, b"Content-Encoding: deflate")


async def strange_encoding(wire: Wire) -> None:
    """A Content-Encoding that nobody knows."""
    await wire.answer(completion(), JSON_TYPE, b"Content-Encoding: rot13")


FAULTS = {
    "huge": huge,
    "huge-declared": huge_declared,
    "gzip-bomb": gzip_bomb,
    "gzip": gzipped,
    "gzip-members": gzip_members,
    "gzip-cut": gzip_cut,
    "gzip-lie": gzip_lie,
    "deflate": deflated,
    "deflate-raw": deflated_raw,
    "strange-encoding": strange_encoding,
}
