"""The C parser of requests, and the well-formed HTTP that Jackfield refuses."""

import asyncio
import re

from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.http_writer import HttpVersion10, HttpVersion11

from jackfield._lean_body import NO_LIMIT, UNPAUSED
from jackfield._server.limits import Limits
from jackfield._server.refusals import early_refusal
from jackfield._server.websocket import is_upgrade, upgrade_refusal
from jackfield.errors import GatewayError, InvalidRequest

MALFORMED = (HttpProcessingError, ValueError)
_VERSIONS = (HttpVersion11, HttpVersion10)
# The largest possible length; the parser treats it as none and would skip what follows.
_ENDLESS = (1 << 64) - 1


class HeadTooLarge(InvalidRequest):
    """The request line and headers exceed the limit."""

    status = 431
    code = "headers_too_large"


class RequestTimeout(InvalidRequest):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"


class ExpectationFailed(InvalidRequest):
    """The `Expect` header asks for something other than 100-continue."""

    status = 417
    code = "expectation_failed"


def new_parser(loop: asyncio.AbstractEventLoop, limits: Limits) -> HttpRequestParser:
    """A parser for one connection; it stops after each request until `message_consumed()`."""
    return HttpRequestParser(
        UNPAUSED,
        loop,
        NO_LIMIT,
        max_line_size=limits.head_bytes,
        max_field_size=limits.head_bytes,
        max_headers=limits.headers,
        auto_decompress=False,
        max_msg_queue_size=1,
    )


def head_size(message: RawRequestMessage) -> int:
    """The size of the request line and the headers, as far as it can be reconstructed."""
    fields = sum([len(name) + len(value) + 4 for name, value in message.raw_headers])
    return len(message.method) + len(message.path) + 12 + fields


def split_target(message: RawRequestMessage) -> tuple[str, str]:
    """The raw path and query of a request; absolute-form loses its scheme and authority."""
    target = message.path
    if target[0] != "/" and target != "*":
        return message.url.raw_path, message.url.raw_query_string
    path, _, query = target.partition("?")
    return path, query


def refusal(message: RawRequestMessage) -> GatewayError | None:
    """Why this request is refused immediately, if it is."""
    error = early_refusal(message.method, message.headers)
    return error or _line_refusal(message) or _field_refusal(message)


def _line_refusal(message: RawRequestMessage) -> GatewayError | None:
    if message.version not in _VERSIONS:
        return InvalidRequest("Only versions 1.1 and 1.0 of HTTP are served here.")
    if "#" in message.path:
        return InvalidRequest("The request target must not have a fragment ('#').")
    if message.path[0] != "/" and message.path != "*":
        return _authority_refusal(message)
    return None


def _authority_refusal(message: RawRequestMessage) -> GatewayError | None:
    """Why an absolute-form target is refused: it must name the same host as `Host`."""
    scheme, _, rest = message.path.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    host = message.headers.get(hdrs.HOST, "")
    if scheme.lower() in ("http", "https") and authority.lower() == host.lower():
        return None
    return InvalidRequest("The request target must be a path, or name the same host as `Host`.")


def _field_refusal(message: RawRequestMessage) -> GatewayError | None:
    headers = message.headers
    if is_upgrade(headers):
        return upgrade_refusal(message)
    transfer = headers.get(hdrs.TRANSFER_ENCODING)
    if transfer is not None and (error := _transfer_refusal(message, transfer)) is not None:
        return error
    if int(headers.get(hdrs.CONTENT_LENGTH, 0)) >= _ENDLESS:
        return InvalidRequest("A body cannot be as long as `Content-Length` says.")
    expect = headers.get(hdrs.EXPECT)
    if expect is not None and expect.lower() != "100-continue":
        return ExpectationFailed("The only expectation that can be met is 100-continue.")
    return None


def _transfer_refusal(message: RawRequestMessage, transfer: str) -> GatewayError | None:
    if message.version == HttpVersion10:
        return InvalidRequest("HTTP/1.0 has no `Transfer-Encoding`.")
    if hdrs.CONTENT_LENGTH in message.headers:
        return InvalidRequest("Send either `Content-Length` or `Transfer-Encoding`.")
    if transfer.lower() != "chunked":
        return InvalidRequest("The only `Transfer-Encoding` understood is chunked.")
    return None


def malformed(error: Exception) -> GatewayError:
    """The answer to bytes that are not HTTP; it repeats none of them."""
    if isinstance(error, LineTooLong):
        return HeadTooLarge("The request line or a header is too long.")
    if "Too many headers" in str(error):  # the parser has no exception class for these
        return HeadTooLarge("There are too many header fields.")
    return InvalidRequest("The request is not well-formed HTTP.")
