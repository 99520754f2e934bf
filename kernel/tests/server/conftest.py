"""A gateway that does what the path says, and servers for it on loopback.

It is also the module that real ASGI and WSGI servers load: `conftest:asgi_app`.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from attrs import define, field
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.asgi import JackfieldASGI
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.http import HttpRequest, HttpResponse
from jackfield.wsgi import JackfieldWSGI

PART = b"data: part\n\n"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every async test of this folder on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Pushed:
    """A stream whose first part has come when it is diverted, and that never goes on."""

    def divert(self, sink: Callable[[bytes], bool]) -> None:
        sink(PART)

    def __aiter__(self) -> "Pushed":
        return self

    async def __anext__(self) -> bytes:
        return await asyncio.Future()

    async def aclose(self) -> None:
        """Nothing is open."""


@define(eq=False)
class SampleGateway:
    """Answers by path; `release` lets /wait end, `aborted` and `closed` say what it saw."""

    requests: list[HttpRequest] = field(factory=list)
    release: asyncio.Event = field(factory=asyncio.Event)
    entered: asyncio.Event = field(factory=asyncio.Event)
    aborted: asyncio.Event = field(factory=asyncio.Event)
    closed: asyncio.Event = field(factory=asyncio.Event)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        request.on_abort(self._on_abort)
        await self._act(request.path)
        match request.path:
            case "/unsafe":
                return self._unsafe(request)
            case "/big":
                return HttpResponse(200, [], b"x" * int(request.query))
            case "/empty":
                return HttpResponse(204, [])
            case "/seen":
                return self._seen()
            case "/stream" | "/endless" | "/flood" | "/broken" | "/pushed":
                return self._stream(request)
        return self._echo(request)

    handle_owned = handle

    def body_limit(self, method: str, path: str) -> int:
        return 1000 if path == "/small" else 1 << 20

    def refuse(self, error: GatewayError, path: str, request_id: str | None = None) -> HttpResponse:
        headers = [("content-type", "application/json")]
        if error.retry_after is not None:
            headers.append(("retry-after", f"{error.retry_after:g}"))
        body = json.dumps({"error": error.code, "path": path, "message": error.message})
        return HttpResponse(error.http_status, headers, body.encode())

    async def _act(self, path: str) -> None:
        if path == "/wait":
            self.entered.set()
            await self.release.wait()
        elif path == "/fail":
            raise RuntimeError("a bug")
        elif path == "/refuse":
            raise InvalidRequest("no")

    def _on_abort(self) -> None:
        self.aborted.set()
        self.release.set()

    def _echo(self, request: HttpRequest) -> HttpResponse:
        seen = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "client": request.client,
            "size": len(request.body),
            "body": request.body[:100].decode("latin-1"),
            "agent": request.headers.get("user-agent", ""),
        }
        return HttpResponse(200, [("content-type", "application/json")], json.dumps(seen).encode())

    def _unsafe(self, request: HttpRequest) -> HttpResponse:
        number: Any = 3
        value = number if request.query == "number" else "a\r\nSet-Cookie: b"
        body = self._parts(request, 1) if request.query == "stream" else b"whole"
        return HttpResponse(200, [("x-request-id", "req_1"), ("x-value", value)], body)

    def _seen(self) -> HttpResponse:
        seen = {"aborted": self.aborted.is_set(), "closed": self.closed.is_set()}
        return HttpResponse(200, [("content-type", "application/json")], json.dumps(seen).encode())

    def _stream(self, request: HttpRequest) -> HttpResponse:
        count = int(request.query or (3 if request.path == "/stream" else 1 << 30))
        parts = Pushed() if request.path == "/pushed" else self._parts(request, count)
        return HttpResponse(200, [("content-type", "text/event-stream")], parts)

    async def _parts(self, request: HttpRequest, count: int) -> AsyncGenerator[bytes, None]:
        part = b"x" * 65536 if request.path == "/flood" else PART
        try:
            for number in range(count):
                yield part
                self.entered.set()
                if request.path == "/broken" and number:
                    raise RuntimeError("the stream broke")
                if request.path == "/endless":
                    await self.release.wait()
                    if request.aborted:
                        return
        finally:
            self.closed.set()


@asynccontextmanager
async def open_sample() -> AsyncIterator[SampleGateway]:
    yield SampleGateway()


asgi_app = JackfieldASGI(open_sample)
wsgi_app = JackfieldWSGI(open_sample)
mounted_asgi = JackfieldASGI(open_sample)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with mounted_asgi:
        yield


starlette_app = Starlette(
    routes=[Mount("/llm", mounted_asgi), Mount("/of/{tenant}", mounted_asgi)], lifespan=lifespan
)
lazy_app = Starlette(routes=[Mount("/llm", JackfieldASGI(open_sample))])
flask_app = DispatcherMiddleware(Flask(__name__), {"/llm": JackfieldWSGI(open_sample)})


@define(eq=False)
class Served:
    """A running server, its gateway and a client to talk to it in bytes."""

    server: Server
    gateway: SampleGateway
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, data: bytes) -> bytes:
        """Send `data` and read until the server closes."""
        reader, writer = await self.connect()
        writer.write(data)
        try:
            return await reader.read()
        finally:
            writer.close()

    async def get(self, path: str, *lines: str) -> bytes:
        """One GET with `Connection: close`."""
        head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *lines])
        return await self.exchange(f"{head}\r\n\r\n".encode("latin-1"))


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server on a free port; keywords are `Limits`."""
    started: list[Server] = []

    async def start(**limits: float) -> Served:
        gateway = SampleGateway()
        server = Server(gateway, Limits(**limits))  # type: ignore[arg-type]
        listeners = bind_all(["127.0.0.1:0"])
        port = listeners[0].getsockname()[1]
        await server.start(listeners)
        started.append(server)
        return Served(server, gateway, port)

    yield start
    for server in started:
        await server.drain(0)


@pytest.fixture
async def sample() -> SampleGateway:
    """The gateway alone."""
    return SampleGateway()


Host = Callable[..., int]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Run another server's command line (`PORT` is filled in) once a module; gives its port."""
    running: dict[tuple[str, ...], tuple[int, subprocess.Popen[bytes]]] = {}

    def start(*command: str) -> int:
        if command not in running:
            port = _free_port()
            words = [word.replace("PORT", str(port)) for word in command]
            process = subprocess.Popen([sys.executable, "-m", *words], cwd=Path(__file__).parent)
            running[command] = port, process
            _wait_for(port, process)
        return running[command][0]

    yield start
    for _, process in running.values():
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
    raise AssertionError(f"the server ended with exit code {process.returncode}")
