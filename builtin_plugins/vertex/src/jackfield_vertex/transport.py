"""Runs Google's blocking credentials library over the gateway's own connections."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from google.auth.exceptions import TransportError
from google.auth.transport import Request, Response
from multidict import CIMultiDict

from jackfield.errors import GatewayError

SECONDS: Final = 20.0
"""Timeout of a token request in seconds."""


class Answer(Protocol):
    """An answer of an origin."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The whole body."""

    async def close(self) -> None:
        """Release the connection."""


class Origin(Protocol):
    """One server, as the kernel connects to it."""

    async def send(self, method: str, path: str, head: bytes, body: bytes) -> Any:
        """Send a request."""


class Answered(Response):
    """A complete answer."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._read = (status, headers, data)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._read[0]

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        return self._read[1]

    @property
    def data(self) -> bytes:
        """The body."""
        return self._read[2]


class LoopRequest(Request):
    """Sends requests of a worker thread from the event loop; `origin_of` opens a URL's server.

    It must not be called in the event loop's thread, because it blocks.
    """

    def __init__(self, origin_of: Callable[[str], Origin]) -> None:
        self._origin_of = origin_of
        self._loop = asyncio.get_running_loop()
        self._origins: dict[str, Origin] = {}
        self._waiting: set[Future[Answered]] = set()
        self._stopped = False

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Answered:
        """The answer. Raises TransportError if there is none."""
        if self._stopped:  # the library retries what was cancelled
            raise TransportError("the gateway stops")  # type: ignore[no-untyped-call]
        data = body.encode() if isinstance(body, str) else body or b""
        seconds = min(timeout or SECONDS, SECONDS)
        request = self._send(url, method, data, headers or {}, seconds)
        waiting = asyncio.run_coroutine_threadsafe(request, self._loop)
        self._waiting.add(waiting)
        try:
            return waiting.result(SECONDS + 5)
        except (GatewayError, TimeoutError, CancelledError) as error:
            why = f"no answer from {urlsplit(url).hostname}"
            raise TransportError(why) from error  # type: ignore[no-untyped-call]
        finally:
            self._waiting.discard(waiting)

    def stop(self) -> None:
        """Release all waiting threads."""
        self._stopped = True
        for waiting in list(self._waiting):
            waiting.cancel()

    async def _send(
        self, url: str, method: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answered:
        parts = urlsplit(url)
        server = f"{parts.scheme}://{parts.netloc}"
        origin = self._origins.get(server)
        if origin is None:
            origin = self._origins[server] = self._origin_of(server)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        async with asyncio.timeout(seconds):
            answer: Answer = await origin.send(method, path, lines.encode("latin-1"), body)
            try:
                return Answered(answer.status, CIMultiDict(answer.headers), await answer.read())
            finally:
                await answer.close()
