"""The gateway as an ASGI application, to be mounted in Starlette or Django or served by uvicorn.

Served on its own, the application follows the server's lifespan. Frameworks do not forward lifespan
to what they mount; there the gateway starts with the first request or, better, with the host:

    gateway = JackfieldASGI("jackfield.toml")

    @asynccontextmanager
    async def lifespan(app):
        async with gateway:
            yield

    app = Starlette(routes=[Mount("/llm", gateway)], lifespan=lifespan)

A gateway that started with a request is stopped by `await gateway.aclose()`, or ends with its
process.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Self, cast
from urllib.parse import unquote

from multidict import CIMultiDict, CIMultiDictProxy

from jackfield._mistakes import UnsafeHeader
from jackfield._server.handler import Handler
from jackfield._server.refusals import OVERRUN, early_refusal, instead_of, too_large
from jackfield._server.response import has_body, header_lines
from jackfield._websocket.asgi import Event, Listener, Receive
from jackfield._websocket.frames import (
    CLOSE,
    NORMAL,
    TEXT,
    opcode_of,
    payload_of,
    read_close,
    split,
)
from jackfield.embedding import Config, Opening, opening
from jackfield.errors import GatewayError
from jackfield.http import WEBSOCKET, HttpRequest, HttpResponse

Send = Callable[[Event], Awaitable[None]]

_ELSEWHERE = (
    "the gateway runs in another event loop, where it was started; close it there first. In tests,"
    " keep one loop for all requests: `with TestClient(app) as client`"
)
_REFUSAL = "websocket.http.response"
# Headers of an answer that opens a WebSocket, which the ASGI server sends itself.
_OWN = frozenset({"content-type", "cache-control", "x-accel-buffering", "sec-websocket-protocol"})


class JackfieldASGI:
    """An ASGI 3 application, from a configuration file or from what `source` opens."""

    def __init__(self, source: Config | Opening = None) -> None:
        self._open_gateway = opening(source)
        self._opened: AbstractAsyncContextManager[Handler] | None = None
        self._handler: Handler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the gateway if it was started."""
        opened, self._opened, self._handler, self._loop = self._opened, None, None, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        is_here = self._loop is asyncio.get_running_loop()
        handler = self._handler if self._handler and is_here else await self._start()
        serve = _serve_websocket if scope["type"] == "websocket" else _serve
        await serve(handler, scope, receive, send)

    async def _start(self) -> Handler:
        async with self._starting:
            if self._handler is None:
                opened = self._open_gateway()
                self._handler = await opened.__aenter__()
                self._opened, self._loop = opened, asyncio.get_running_loop()
            elif self._loop is not asyncio.get_running_loop():
                raise RuntimeError(_ELSEWHERE)
            return self._handler

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _serve(handler: Handler, scope: Event, receive: Receive, send: Send) -> None:
    path = _path(scope)
    try:
        body = await _read_body(receive, handler.body_limit(scope["method"], path))
        request = _request(scope, path, body or b"")
        if error := early_refusal(request.method, request.headers):
            raise error
    except GatewayError as error:
        await _send_whole(handler.refuse(error, path), send)
        return
    if body is None:
        return
    watch = asyncio.create_task(_abort_on_disconnect(request, receive))
    try:
        response = await _answer(handler, request)
        try:
            if isinstance(response.body, bytes):
                await _send_whole(response, send)
            else:
                await _send_stream(request, response, send)
        except UnsafeHeader as unsafe:  # nothing has been sent yet
            await _send_whole(instead_of(response, unsafe, path, handler), send)
    finally:
        watch.cancel()


async def _serve_websocket(handler: Handler, scope: Event, receive: Receive, send: Send) -> None:
    request = _request(scope, _path(scope), b"")
    listener = Listener(request, receive, handler.body_limit(WEBSOCKET, request.path))

    async def send_event(event: Event) -> None:
        """Send an event while the client is connected; the rest of a stream is still counted."""
        if not listener.disconnected:
            try:
                await send(event)
            except OSError:  # what servers raise when a client has just left
                listener.disconnected = True

    await receive()
    listening = asyncio.create_task(listener.listen())
    try:
        response = await _answer(handler, request)
        if response.status == 101 and not isinstance(response.body, bytes):
            await _converse(response, send_event, listening)
        elif _REFUSAL in (scope.get("extensions") or {}) and isinstance(response.body, bytes):
            await _send_whole(response, send_event, _REFUSAL)
        else:
            await send_event({"type": "websocket.close", "code": 1008, "reason": "refused"})
    finally:
        listening.cancel()


async def _answer(handler: Handler, request: HttpRequest) -> HttpResponse:
    try:
        return await handler.handle(request)
    except GatewayError as error:
        return handler.refuse(error, request.path)


def _path(scope: Event) -> str:
    """The raw path below the mount: `root_path` is the host's part of it."""
    raw = scope.get("raw_path")
    path: str = raw.decode("latin-1").partition("?")[0] if raw else scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    mount = "/".join(path.split("/")[: root.count("/") + 1])
    return (path[len(mount) :] if unquote(mount) == root else path) or "/"


def _request(scope: Event, path: str, body: bytes) -> HttpRequest:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    client = scope.get("client")
    return HttpRequest(
        method=scope.get("method", "GET"),
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=CIMultiDictProxy(CIMultiDict(pairs)),
        body=body,
        # With uvicorn it may be any text of X-Forwarded-For; "unix" is for who has no address.
        client=client[0].replace("unix", "unknown") if client else "unix",
    )


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None if the client left before it had sent all of it."""
    body, size, more = bytearray(), 0, True
    while more and size <= limit + OVERRUN:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size <= limit:
            body += part
    if size > limit:
        raise too_large(limit)
    return bytes(body)


async def _abort_on_disconnect(request: HttpRequest, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    request.abort()


async def _converse(response: HttpResponse, send: Send, listening: asyncio.Task[None]) -> None:
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.body)) as stream:
        protocol = dict(response.headers).get("sec-websocket-protocol")
        headers = [pair for pair in _headers(response) if pair[0].decode() not in _OWN]
        await send({"type": "websocket.accept", "subprotocol": protocol, "headers": headers})
        async for batch in stream:
            messages = split(batch)
            if opcode_of(messages[-1]) == CLOSE:  # Granian sends none while a `receive` waits
                listening.cancel()
                await asyncio.wait([listening])
            for message in messages:
                await send(_event_of(message))


def _event_of(message: bytes) -> Event:
    opcode, payload = opcode_of(message), payload_of(message)
    if opcode == CLOSE:
        code, reason = read_close(payload)
        return {"type": "websocket.close", "code": code or NORMAL, "reason": reason}
    if opcode == TEXT:
        return {"type": "websocket.send", "text": payload.decode()}
    return {"type": "websocket.send", "bytes": payload}


def _headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    header_lines(response.headers)
    return [
        (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
        for name, value in response.headers
    ]


async def _send_whole(response: HttpResponse, send: Send, kind: str = "http.response") -> None:
    body, headers = cast("bytes", response.body), _headers(response)
    if has_body("GET", response.status):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


async def _send_stream(request: HttpRequest, response: HttpResponse, send: Send) -> None:
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.body)) as stream:
        headers = _headers(response)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        async for part in stream:
            if request.aborted:
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
