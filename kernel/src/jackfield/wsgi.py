"""The gateway as a WSGI application, to be mounted in Flask or Django or served by gunicorn.

    app = JackfieldWSGI("jackfield.toml")

The gateway runs on one event loop in a daemon thread of each process. It starts with the first
request, that is, after a server such as gunicorn has forked. A request occupies the server's thread
until its answer is sent: give the server as many threads as there shall be concurrent requests.
"""

import asyncio
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import quote

from multidict import CIMultiDict, CIMultiDictProxy

from jackfield._mistakes import UnsafeHeader
from jackfield._server.handler import Handler
from jackfield._server.refusals import OVERRUN, early_refusal, instead_of, too_large
from jackfield._server.response import has_body, header_lines
from jackfield.embedding import Config, Opening, opening
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.http import HttpRequest, HttpResponse

_T = TypeVar("_T")
_PLAIN = ("CONTENT_TYPE", "CONTENT_LENGTH")
_KNOWN = frozenset(HTTPStatus)
_LENGTH = re.compile(r"[0-9]{1,18}")
_PART = 1 << 16


class LengthRequired(InvalidRequest):
    """The surrounding server cannot read a body of unknown length."""

    status = 411
    code = "length_required"


class StartResponse(Protocol):
    """The server's callable that takes status and headers."""

    def __call__(self, status: str, headers: list[tuple[str, str]], /) -> object:
        """Begin the answer."""


class JackfieldWSGI:
    """A WSGI application, from a configuration file or from what `source` opens."""

    def __init__(self, source: Config | Opening = None) -> None:
        self._open_gateway = opening(source)
        self._lock = threading.Lock()
        self._runner: _Runner | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; a stream is an iterator whose `close()` aborts the request."""
        runner = self._running()
        handler = runner.handler
        method, path = environ["REQUEST_METHOD"], _path(environ)
        try:
            request = _request(environ, path, handler.body_limit(method, path))
            if error := early_refusal(method, request.headers):
                raise error
        except GatewayError as error:
            return _answer(method, handler.refuse(error, path), start_response)
        try:
            response = runner.run(handler.handle(request))
        except GatewayError as error:
            response = handler.refuse(error, path)
        if isinstance(response.body, bytes):
            return _answer(method, _sendable(response, path, handler), start_response)
        stream = _Stream(runner, request, cast("AsyncGenerator[bytes, None]", response.body))
        sendable = _sendable(response, path, handler)
        if sendable is not response:
            stream.close()
            return _answer(method, sendable, start_response)
        start_response(_status(response), response.headers)
        return stream

    def close(self) -> None:
        """Stop the gateway and its thread, if this process started them."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None and runner.pid == os.getpid():
            runner.stop()

    def _running(self) -> "_Runner":
        with self._lock:
            # A fork copies this object but not its thread.
            if self._runner is None or self._runner.pid != os.getpid():
                self._runner = _Runner(self._open_gateway())
            return self._runner


class _Runner:
    def __init__(self, gateway: AbstractAsyncContextManager[Handler]) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._gateway = gateway
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self.handler: Handler = self.run(gateway.__aenter__())
        except BaseException:
            self._end()
            raise

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)

    def stop(self) -> None:
        self.run(self._gateway.__aexit__(None, None, None))
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Stream:
    def __init__(
        self, runner: _Runner, request: HttpRequest, body: AsyncGenerator[bytes, None]
    ) -> None:
        self._runner = runner
        self._request = request
        self._body = body
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        part = self._runner.run(self._following())
        if part is None:
            self._ended = True
            raise StopIteration
        return part

    async def _following(self) -> bytes | None:
        async for part in self._body:
            if part:
                return part
        return None

    def close(self) -> None:
        if not self._ended:
            self._runner.call(self._request.abort)
        self._runner.run(self._body.aclose())


def _path(environ: dict[str, Any]) -> str:
    """The path below the mount, encoded again: WSGI has no raw path, so `%2F` arrives as `/`."""
    return quote(environ.get("PATH_INFO", "").encode("latin-1"), safe="/:@!$&'()*+,;=~") or "/"


def _request(environ: dict[str, Any], path: str, limit: int) -> HttpRequest:
    pairs = [
        (key.removeprefix("HTTP_").replace("_", "-").title(), value)
        for key, value in environ.items()
        if key.startswith("HTTP_") or (key in _PLAIN and value)
    ]
    address = environ.get("REMOTE_ADDR")
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        headers=CIMultiDictProxy(CIMultiDict(pairs)),
        body=_body(environ, limit),
        # It may be any text of X-Forwarded-For; "unix" is for who has no address.
        client=address.replace("unix", "unknown") if address else "unix",
    )


def _body(environ: dict[str, Any], limit: int) -> bytes:
    declared = environ.get("CONTENT_LENGTH")
    if not declared and not environ.get("wsgi.input_terminated"):
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise LengthRequired("The server here reads no chunked body: send `Content-Length`.")
        return b""
    # Not every server has checked it.
    if declared and _LENGTH.fullmatch(declared) is None:
        raise InvalidRequest("`Content-Length` is not the length of a body.")
    size = int(declared) if declared else limit + 1
    source = environ["wsgi.input"]
    if size <= limit or not declared:
        body: bytes = source.read(size)
        if declared and len(body) < size:
            raise InvalidRequest("The body is shorter than `Content-Length` says.")
        if len(body) <= limit:
            return body
    left = min(size, OVERRUN) if declared else OVERRUN
    while left > 0 and (part := source.read(min(left, _PART))):
        left -= len(part)
    raise too_large(limit)


def _sendable(response: HttpResponse, path: str, handler: Handler) -> HttpResponse:
    try:
        header_lines(response.headers)
    except UnsafeHeader as error:
        return instead_of(response, error, path, handler)
    return response


def _status(response: HttpResponse) -> str:
    phrase = HTTPStatus(response.status).phrase if response.status in _KNOWN else "Unknown"
    return f"{response.status} {phrase}"


def _answer(method: str, response: HttpResponse, start_response: StartResponse) -> list[bytes]:
    body = cast("bytes", response.body)
    sized = [("Content-Length", str(len(body)))] if has_body("GET", response.status) else []
    start_response(_status(response), [*response.headers, *sized])
    return [body] if has_body(method, response.status) else []
