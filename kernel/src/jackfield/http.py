"""The two ends of the pipeline: what a server adapter passes in and what it gets back."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field
from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from jackfield._websocket import Inbox

WEBSOCKET: Final = "WEBSOCKET"
"""What stands for a method at an endpoint that is a WebSocket."""


@define(eq=False)
class HttpRequest:
    """One complete HTTP request as a server adapter read it.

    `path` is the raw, percent-encoded path without its query; `headers` is case-insensitive (a
    `multidict.CIMultiDictProxy`); `client` is the peer's address; "unix" is for a peer that
    has none, and no adapter passes on another's word for it. `websocket` receives the client's
    messages if the request asks for a WebSocket and the adapter supports that.
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

    @classmethod
    def local(
        cls, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Self:
        """A request from this machine: `target` is a path with its query, the body JSON."""
        sent = CIMultiDict({"host": "localhost", "content-type": "application/json"})
        sent.update(headers or {})
        path, _, query = target.partition("?")
        return cls(method, path, query, CIMultiDictProxy(sent), body)

    def abort(self) -> None:
        """Report that the client is gone. The gateway then cancels the upstream and settles."""
        if not self.aborted:
            self.aborted = True
            if self._on_abort is not None:
                self._on_abort()

    def on_abort(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once; immediately if the client is already gone."""
        self._on_abort = callback
        if self.aborted:
            callback()


@define(eq=False)
class HttpResponse:
    """One HTTP response; a body that is an iterator is a stream.

    An adapter that stops before the iterator's end must call its `aclose()`. If a stream has a
    method `divert`, the adapter may pass it a function that gets each part in the very call that
    received it, while the iterator goes on to yield the rest; once the function returns False, the
    iterator yields b"". Content-Length and Transfer-Encoding are up to the adapter.

    Status 101 with a stream answers a request for a WebSocket: each part is one or more whole
    messages in wire form, and the very last message is a close frame.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] = field(default=b"", repr=False)
