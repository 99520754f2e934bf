"""Streams that come event by event and break off after any byte, in each way HTTP knows of."""

import asyncio

from .good import delta
from .wire import STREAM_HEAD, Wire

_TYPE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_PAUSE = 0.002  # longer than a gateway takes to pass on what has come
_EVENTS = [
    *(b"data: " + delta(f"word {number} ") + b"\n\n" for number in range(6)),
    b"data: " + delta("", finish="stop") + b"\n\n",
    b"data: [DONE]\n\n",
]
_SIZE = sum(len(event) for event in _EVENTS)


def _chunks() -> list[bytes]:
    return [b"%x\r\n%b\r\n" % (len(event), event) for event in _EVENTS]


_PARTS = {
    "chunked": [STREAM_HEAD, *_chunks()],
    "declared": [_TYPE + b"Content-Length: %d\r\n\r\n" % _SIZE, *_EVENTS],
    "undelimited": [_TYPE + b"\r\n", *_EVENTS],
}

LONGEST = {name: b"".join(parts).index(b"[DONE]") + 5 for name, parts in _PARTS.items()}
"""How many bytes of each stream may come without its end being known: all but the marker's last."""


async def _send(wire: Wire, framing: str) -> None:
    left = wire.number(LONGEST[framing] // 2)
    for part in _PARTS[framing]:
        await wire.send(part[:left])
        left -= min(left, len(part))
        if not left:
            return
        await asyncio.sleep(_PAUSE)


async def fin_at(wire: Wire) -> None:
    """A FIN after N bytes (half) of a chunked stream, its head included."""
    await _send(wire, "chunked")
    wire.fin()


async def reset_at(wire: Wire) -> None:
    """A TCP reset after N bytes (half) of the same."""
    await _send(wire, "chunked")
    wire.reset()


async def short_at(wire: Wire) -> None:
    """A FIN after N bytes (half) of a stream with its Content-Length."""
    await _send(wire, "declared")
    wire.fin()


async def eof_at(wire: Wire) -> None:
    """A FIN after N bytes (half) of a stream that only the connection's end delimits."""
    await _send(wire, "undelimited")
    wire.fin()


FAULTS = {"fin-at": fin_at, "reset-at": reset_at, "short-at": short_at, "eof-at": eof_at}
FRAMINGS = {
    "fin-at": "chunked",
    "reset-at": "chunked",
    "short-at": "declared",
    "eof-at": "undelimited",
}
"""Which stream each fault cuts."""
