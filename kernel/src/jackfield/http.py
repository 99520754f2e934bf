"""The two ends of the pipeline: what a server adapter hands in and what it gets back."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Final

from attrs import define, field

if TYPE_CHECKING:
    from jackfield._websocket import Inbox

WEBSOCKET: Final = "WEBSOCKET"
"""What stands for a method at an endpoint that is a WebSocket."""


@define(eq=False)
class HttpRequest:
    """One HTTP request, whole, as a server adapter read it.

    `path` is the raw, percent-encoded path without its query; `headers` is case-insensitive
    (a `multidict.CIMultiDictProxy`); `client` is the peer's address, or "unix". `websocket` gets
    the client's messages where the request asks for a WebSocket and the adapter can be one.
    """

    method: str
    path: str = field(repr=False)
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    client: str = "127.0.0.1"
    websocket: "Inbox | None" = field(default=None, repr=False, kw_only=True)
    received: float = field(factory=time.monotonic)
    aborted: bool = field(default=False, init=False)
    _on_abort: Callable[[], None] | None = field(default=None, init=False)

    def abort(self) -> None:
        """Say that the client has gone. The gateway then cancels the upstream and settles."""
        if not self.aborted:
            self.aborted = True
            if self._on_abort is not None:
                self._on_abort()

    def on_abort(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once, at once if the client has gone already."""
        self._on_abort = callback
        if self.aborted:
            callback()


@define(eq=False)
class HttpResponse:
    """One HTTP response; a body that is an iterator is a stream.

    An adapter that stops before the iterator's end must call its `aclose()`. A stream that has a
    method `divert` takes a function there, which gets each part in the call that brought it, while
    the iterator goes on to yield the rest; once the function says False the iterator yields b"".
    Content-Length and Transfer-Encoding are the adapter's business.

    Status 101 with a stream answers a request that asked for a WebSocket: each part is whole
    messages in wire form, and the last message of all is a close frame.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] = field(default=b"", repr=False)
