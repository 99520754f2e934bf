"""Legal HTTP around a stream that is not what it should be."""

from .good import delta
from .wire import STREAM_HEAD, Wire

_DONE = b"data: [DONE]\n\n"


async def _send_stream(wire: Wire, *chunks: bytes) -> None:
    await wire.send(STREAM_HEAD)
    for chunk in chunks:
        await wire.chunk(chunk)
    await wire.send(b"0\r\n\r\n")


async def split_utf8(wire: Wire) -> None:
    """Characters of several bytes, each byte in a chunk of its own."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"\xc3\xa9\xe2\x82\xac"}}]}\n\n'
    await _send_stream(wire, *(event[at : at + 1] for at in range(len(event))), _DONE)


async def line_endings(wire: Wire) -> None:
    """CR, LF and CRLF in turn."""
    event = b"data: " + delta("x")
    await _send_stream(
        wire, event + b"\r\r", event + b"\r\n\r\n", event + b"\n\r", event + b"\n\n", _DONE
    )


async def bom(wire: Wire) -> None:
    """A byte order mark before the first event."""
    await _send_stream(wire, b"\xef\xbb\xbfdata: " + delta("x") + b"\n\n", _DONE)


async def long_line(wire: Wire) -> None:
    """One line of N bytes (10 MB)."""
    await _send_stream(wire, b"data: " + b"x" * wire.number(10_000_000) + b"\n\n", _DONE)


async def nul(wire: Wire) -> None:
    """A NUL inside an event."""
    await _send_stream(wire, b"data: a\x00b\n\n", _DONE)


async def no_colon(wire: Wire) -> None:
    """A line that is the bare word `data`."""
    await _send_stream(wire, b"data\n\n", b"data: " + delta("x") + b"\n\n", _DONE)


async def bad_json(wire: Wire) -> None:
    """JSON that breaks off inside the second event."""
    good = b"data: " + delta("x") + b"\n\n"
    await _send_stream(wire, good, good[:40] + b"\n\n", good, _DONE)


async def stream_error(wire: Wire) -> None:
    """An error event inside a stream that began with 200."""
    error = b'data: {"error":{"message":"The server had an error","type":"server_error"}}\n\n'
    await _send_stream(wire, b"data: " + delta("x") + b"\n\n", error)


async def html(wire: Wire) -> None:
    """A page in HTML with status 200."""
    await wire.answer(b"<html><body>Sign in</body></html>", b"Content-Type: text/html")


FAULTS = {
    "split-utf8": split_utf8,
    "line-endings": line_endings,
    "bom": bom,
    "long-line": long_line,
    "nul": nul,
    "no-colon": no_colon,
    "bad-json": bad_json,
    "stream-error": stream_error,
    "html": html,
}
