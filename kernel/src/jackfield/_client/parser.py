"""aiohttp's C parser of HTTP/1.1 responses, the only part of aiohttp that the client uses."""

import asyncio
from typing import Protocol, cast

from aiohttp.http import HttpProcessingError, HttpResponseParser
from multidict import CIMultiDictProxy

from jackfield._lean_body import NO_LIMIT, UNPAUSED

__all__ = [
    "Body",
    "HttpProcessingError",
    "Message",
    "Parser",
    "is_endless",
    "new_parser",
]

_MAX_HEADERS = 128
_MAX_LINE = 8190
_ENDLESS = 2**64 - 1


class Message(Protocol):
    """The status line and headers of one response."""

    code: int
    version: tuple[int, int]
    headers: CIMultiDictProxy[str]
    should_close: bool
    chunked: bool


class Body(Protocol):
    """Where the parser puts the bytes of one body."""

    def read_nowait(self) -> bytes:
        """Everything that has arrived since the last call."""

    def is_eof(self) -> bool:
        """Whether the body is complete."""


class Parser(Protocol):
    """A parser for the responses on one connection."""

    def feed_data(self, data: bytes) -> tuple[list[tuple[Message, Body]], bool, bytes]:
        """Parse `data`; return the messages that began in it. Raises HttpProcessingError."""

    def feed_eof(self) -> Message | None:
        """End a body that is delimited by the end of the connection.

        Raises HttpProcessingError if the body is cut. Between two messages this changes nothing,
        and returns a message if the next one has begun.
        """


def new_parser(loop: asyncio.AbstractEventLoop, *, with_body: bool) -> Parser:
    """A parser for one connection; `with_body` is false if answers have none (HEAD)."""
    parser = HttpResponseParser(
        UNPAUSED,
        loop,
        NO_LIMIT,
        max_line_size=_MAX_LINE,
        max_headers=_MAX_HEADERS,
        max_field_size=_MAX_LINE,
        response_with_body=with_body,
        read_until_eof=True,
        auto_decompress=False,
    )
    return cast(Parser, parser)


def is_endless(message: Message) -> bool:
    """Whether the length is the largest possible: the parser treats that as an empty body."""
    return int(message.headers.get("Content-Length", 0)) >= _ENDLESS
