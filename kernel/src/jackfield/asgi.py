"""The gateway as an ASGI application, to be mounted in Starlette or Django or served by uvicorn.

Run by itself, the application follows the server's lifespan. Frameworks do not forward lifespan
to what they mount; there the gateway starts with the first request, or, better, with the host:

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
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, aclosing
from types import TracebackType
from typing import Any, Self, cast

from multidict import CIMultiDict, CIMultiDictProxy

from jackfield._server.asgi_websocket import AsgiWebSocket, sends_refusals
from jackfield._server.handler import Handler
from jackfield._server.refusals import early_refusal
from jackfield._server.response import has_body, require_safe
from jackfield.embedding import Config, Opening, opening
from jackfield.errors import GatewayError, PayloadTooLarge
from jackfield.http import HttpRequest, HttpResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class JackfieldASGI:
    """An ASGI 3 application: of a configuration file, or of what `source` opens."""

    def __init__(self, source: Config | Opening = None) -> None:
        self._open_gateway = opening(source)
        self._opened: AbstractAsyncContextManager[Handler] | None = None
        self._handler: Handler | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the gateway, if it was started."""
        opened, self._opened, self._handler = self._opened, None, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            handler = self._handler or await self._start()
            request = _request(scope, _path(scope), b"")
            session = AsgiWebSocket(handler, request, receive, send)
            await session.serve(refusals=sends_refusals(scope))
        else:
            await self._serve(self._handler or await self._start(), scope, receive, send)

    async def _start(self) -> Handler:
        async with self._starting:
            if self._handler is None:
                opened = self._open_gateway()
                self._handler = await opened.__aenter__()
                self._opened = opened
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

    async def _serve(self, handler: Handler, scope: Message, receive: Receive, send: Send) -> None:
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
            try:
                response = await handler.handle(request)
            except GatewayError as error:
                response = handler.refuse(error, path)
            if isinstance(response.body, bytes):
                await _send_whole(response, send)
            else:
                await _send_stream(request, response, send)
        finally:
            watch.cancel()


def _path(scope: Message) -> str:
    """The raw path below the mount: `root_path` is the host's part of it."""
    raw = scope.get("raw_path")
    path: str = raw.decode("latin-1").partition("?")[0] if raw else scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path or "/"


def _request(scope: Message, path: str, body: bytes) -> HttpRequest:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    client = scope.get("client")
    return HttpRequest(
        method=scope.get("method", "GET"),
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=CIMultiDictProxy(CIMultiDict(pairs)),
        body=body,
        client=client[0] if client else "unix",
    )


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when the client went before it had sent it."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise PayloadTooLarge(f"The body is larger than the {limit} bytes accepted here.")
        if not message.get("more_body", False):
            return bytes(body)


async def _abort_on_disconnect(request: HttpRequest, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    request.abort()


async def _send_start(response: HttpResponse, send: Send, *own: tuple[bytes, bytes]) -> None:
    require_safe(response)
    headers = [
        (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
        for name, value in response.headers
    ]
    start = {"type": "http.response.start", "status": response.status, "headers": [*headers, *own]}
    await send(start)


async def _send_whole(response: HttpResponse, send: Send) -> None:
    body = cast("bytes", response.body)
    if has_body("GET", response.status):
        await _send_start(response, send, (b"content-length", b"%d" % len(body)))
    else:
        await _send_start(response, send)
    await send({"type": "http.response.body", "body": body})


async def _send_stream(request: HttpRequest, response: HttpResponse, send: Send) -> None:
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.body)) as stream:
        await _send_start(response, send)
        async for part in stream:
            if request.aborted:
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
