"""Answers without a fault, in OpenAI's shape."""

import asyncio
import json

from .wire import STREAM_HEAD, Wire

JSON_TYPE = b"Content-Type: application/json"


def completion(text: str = "Hello from the upstream.") -> bytes:
    """The JSON body of a chat completion."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    return json.dumps(
        {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": usage}
    ).encode()


def delta(text: str, finish: str | None = None) -> bytes:
    """The JSON of one event of a streamed chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}
    ).encode()


async def json_answer(wire: Wire) -> None:
    """A chat completion."""
    await wire.answer(completion(), JSON_TYPE)


async def sse(wire: Wire) -> None:
    """N events (5), then [DONE]."""
    await wire.send(STREAM_HEAD)
    for number in range(wire.number(5)):
        await wire.event(delta(f"word {number} "))
    await wire.event(b"[DONE]")
    await wire.send(b"0\r\n\r\n")


async def paced_sse(wire: Wire) -> None:
    """Ten events, N ms (50) apart, then [DONE]."""
    await wire.send(STREAM_HEAD)
    for number in range(10):
        await wire.event(delta(f"word {number} "))
        await asyncio.sleep(wire.number(50) / 1000)
    await wire.event(b"[DONE]")
    await wire.send(b"0\r\n\r\n")


async def big_sse(wire: Wire) -> None:
    """A stream of N MiB (16) in events of 16 KiB, then [DONE]."""
    await wire.send(STREAM_HEAD)
    event = delta("x" * 16_000)
    for _ in range(wire.number(16) * 64):
        await wire.event(event)
    await wire.event(b"[DONE]")
    await wire.send(b"0\r\n\r\n")


async def echo(wire: Wire) -> None:
    """The request's own body."""
    await wire.answer(wire.record.body)


async def size(wire: Wire) -> None:
    """A body of N bytes (1 MiB)."""
    await wire.answer(b"x" * wire.number(1024 * 1024))


async def head(wire: Wire) -> None:
    """The head of a completion without its body, as HEAD wants it."""
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(completion()))


async def no_content(wire: Wire) -> None:
    """204."""
    await wire.send(b"HTTP/1.1 204 No Content\r\n\r\n")


async def interim(wire: Wire) -> None:
    """N interim answers (2), then a completion."""
    await wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * wire.number(2))
    await json_answer(wire)


async def old(wire: Wire) -> None:
    """An HTTP/1.0 answer, which ends the connection."""
    body = completion()
    await wire.send(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def last(wire: Wire) -> None:
    """An answer with `Connection: close` on a connection that stays open."""
    await wire.answer(completion(), JSON_TYPE, b"Connection: close")


async def stale(wire: Wire) -> None:
    """A good answer, after which the connection is closed without a word."""
    await json_answer(wire)
    wire.fin()


FAULTS = {
    "json": json_answer,
    "sse": sse,
    "paced-sse": paced_sse,
    "big-sse": big_sse,
    "echo": echo,
    "size": size,
    "head": head,
    "no-content": no_content,
    "interim": interim,
    "old": old,
    "last": last,
    "stale": stale,
}
