"""A cheaper replacement for the object into which aiohttp's C parser puts bodies."""

from typing import Any, Final, cast

from aiohttp import http_parser
from aiohttp.streams import StreamReader

from jackfield.errors import ConfigError


class _LeanBody(StreamReader):
    """A body without aiohttp's bookkeeping of chunks and sizes, which costs more than parsing.

    The reader empties it after each feed, and keeps its own count.
    """

    __slots__ = ()

    def begin_http_chunk_receiving(self) -> None:
        pass

    def end_http_chunk_receiving(self) -> None:
        pass

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        self._buffer.append(data)
        return False

    def read_nowait(self, n: int = -1) -> bytes:
        buffer = self._buffer
        data = buffer.popleft() if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        return data


class _Unpaused:
    _reading_paused = False

    def pause_reading(self) -> None:
        """Never needed: the reader empties the body."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Never needed: reading is never paused."""


UNPAUSED: Final = cast(Any, _Unpaused())
"""In the place of the protocol that a parser would ask to pause."""

NO_LIMIT: Final = 1 << 30
"""Bytes after which it would."""


def require_c_parser() -> None:
    """Raise ConfigError if aiohttp would use its pure Python parser, which is laxer and slow."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ConfigError(
            ["aiohttp has no C parser: unset AIOHTTP_NO_EXTENSIONS, or install it from a wheel"]
        )


# If another version of aiohttp stores its bytes elsewhere, bodies stay as they are: slower only.
_CAN_LIGHTEN: Final = "_buffer" in getattr(StreamReader, "__slots__", ())


def make_lean(body: object) -> None:
    """Make `body` cheap to feed and to read from now on."""
    if _CAN_LIGHTEN and type(body) is StreamReader:
        # The C parser creates its bodies itself and cannot be given another class.
        body.__class__ = _LeanBody
