"""Faults of time: too late, too slow, or never."""

import asyncio

from .good import completion, delta, json_answer
from .wire import STREAM_HEAD, Wire


async def silent(wire: Wire) -> None:
    """Takes the request and never answers."""
    await wire.transport_closed()


async def half_open(wire: Wire) -> None:
    """Neither reads nor writes any more, nor notices that the client closes."""
    wire.transport.pause_reading()
    await wire.transport_closed()


async def late(wire: Wire) -> None:
    """The first byte after N ms (200)."""
    await asyncio.sleep(wire.number(200) / 1000)
    await json_answer(wire)


async def slow_sse(wire: Wire) -> None:
    """Five events, N ms (50) apart."""
    await wire.send(STREAM_HEAD)
    for number in range(5):
        await wire.event(delta(f"word {number} "))
        await asyncio.sleep(wire.number(50) / 1000)
    await wire.send(b"0\r\n\r\n")


async def drip(wire: Wire) -> None:
    """A stream whose first event never ends: one byte every N ms (500)."""
    await wire.send(STREAM_HEAD + b"6\r\ndata: \r\n")
    while True:
        await wire.chunk(b"x")
        await asyncio.sleep(wire.number(500) / 1000)


async def drip_json(wire: Wire) -> None:
    """A completion, one byte every N ms (500)."""
    body = completion()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    for byte in body:
        await wire.send(bytes((byte,)))
        await asyncio.sleep(wire.number(500) / 1000)


async def drip_head(wire: Wire) -> None:
    """The head, one byte every N ms (500), without an end."""
    await wire.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await wire.send(b"x")
        await asyncio.sleep(wire.number(500) / 1000)


async def stall(wire: Wire) -> None:
    """N events (3), then silence."""
    await wire.send(STREAM_HEAD)
    for number in range(wire.number(3)):
        await wire.event(delta(f"word {number} "))
    await wire.transport_closed()


async def stall_json(wire: Wire) -> None:
    """N bytes (10) of a completion, then silence."""
    body = completion()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    await wire.send(head + body[: wire.number(10)])
    await wire.transport_closed()


FAULTS = {
    "silent": silent,
    "half-open": half_open,
    "late": late,
    "slow-sse": slow_sse,
    "drip": drip,
    "drip-json": drip_json,
    "drip-head": drip_head,
    "stall": stall,
    "stall-json": stall_json,
}
