"""aiohttp's hardened C parser of HTTP/1.1 responses, all that the client uses of aiohttp."""

import asyncio
from typing import Protocol, cast

from aiohttp.http import HttpProcessingError, HttpResponseParser
from aiohttp.http_parser import HttpResponseParserPy
from multidict import CIMultiDictProxy

from jackfield._lean_body import NO_LIMIT, UNPAUSED
from jackfield.errors import ConfigError

__all__ = [
    "Body",
    "HttpProcessingError",
    "Message",
    "Parser",
    "is_endless",
    "new_parser",
    "require_c_parser",
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
        """All that has come since the last call."""

    def is_eof(self) -> bool:
        """Whether the body is whole."""


class Parser(Protocol):
    """A parser of the responses of one connection."""

    def feed_data(self, data: bytes) -> tuple[list[tuple[Message, Body]], bool, bytes]:
        """Parse `data`; return the messages that began in it. Raises HttpProcessingError."""

    def feed_eof(self) -> Message | None:
        """End a body that only the connection's end delimits. Raises HttpProcessingError if cut.

        Between two messages it changes nothing, and returns a message if a next one has begun.
        """


def new_parser(loop: asyncio.AbstractEventLoop, *, with_body: bool) -> Parser:
    """A parser for one connection; `with_body` is false where answers have none (HEAD)."""
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
    """Whether a body has the largest length there is: the parser takes that for an empty body."""
    return int(message.headers.get("Content-Length", 0)) >= _ENDLESS


def require_c_parser() -> None:
    """Raise ConfigError if aiohttp would parse with its pure Python code, which is laxer."""
    if HttpResponseParser is HttpResponseParserPy:
        raise ConfigError(
            ["aiohttp has no C parser: unset AIOHTTP_NO_EXTENSIONS, or install it from a wheel"]
        )
