"""Answers that end too early, or that only the connection's end delimits."""

from .good import JSON_TYPE, completion, delta
from .wire import STREAM_HEAD, Wire

_EOF_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def _stream() -> bytes:
    events = [delta(f"word {number} ") for number in range(5)]
    return b"".join(b"data: %b\n\n" % event for event in events)


async def cut_sse(wire: Wire) -> None:
    """A chunked stream that ends with a FIN after N events (2)."""
    await wire.send(STREAM_HEAD)
    for number in range(wire.number(2)):
        await wire.event(delta(f"word {number} "))
    wire.fin()


async def cut_chunk(wire: Wire) -> None:
    """A FIN inside a chunk, after N bytes (37) of it."""
    stream = _stream()
    await wire.send(STREAM_HEAD + b"%x\r\n" % len(stream) + stream[: wire.number(37)])
    wire.fin()


async def reset_sse(wire: Wire) -> None:
    """A TCP reset after N events (2)."""
    await wire.send(STREAM_HEAD)
    for number in range(wire.number(2)):
        await wire.event(delta(f"word {number} "))
    wire.reset()


async def short(wire: Wire) -> None:
    """A body that is N bytes (1) shorter than its Content-Length."""
    body = completion()
    head = b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: %d\r\n\r\n"
    await wire.send(head % (JSON_TYPE, len(body) + wire.number(1)) + body)
    wire.fin()


async def cut_head(wire: Wire) -> None:
    """A FIN after N bytes (20) of the head."""
    await wire.send(STREAM_HEAD[: wire.number(20)])
    wire.fin()


async def refuse(wire: Wire) -> None:
    """A FIN instead of an answer."""
    wire.fin()


async def reset(wire: Wire) -> None:
    """A TCP reset instead of an answer."""
    wire.reset()


async def eof_clean(wire: Wire) -> None:
    """A whole stream that only the connection's end delimits."""
    await wire.send(_EOF_HEAD + _stream() + b"data: [DONE]\n\n")
    wire.fin()


async def eof_cut(wire: Wire) -> None:
    """The same, cut after N bytes (50): HTTP cannot tell."""
    await wire.send(_EOF_HEAD + _stream()[: wire.number(50)])
    wire.fin()


async def eof_reset(wire: Wire) -> None:
    """The same, ended by a reset."""
    await wire.send(_EOF_HEAD + _stream())
    wire.reset()


FAULTS = {
    "cut-sse": cut_sse,
    "cut-chunk": cut_chunk,
    "reset-sse": reset_sse,
    "short": short,
    "cut-head": cut_head,
    "refuse": refuse,
    "reset": reset,
    "eof-clean": eof_clean,
    "eof-cut": eof_cut,
    "eof-reset": eof_reset,
}
