"""A client of a gateway in this process, which needs no socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import msgspec
from attrs import define, evolve, field, frozen
from multidict import CIMultiDict

from jackfield import sse
from jackfield.exchange import Exchange
from jackfield.http import HttpRequest, HttpResponse
from jackfield.plugin import Plugin
from jackfield.response import Outcome

from .dialect import CHAT_PATH
from .provider import FakeProvider
from .recorder import HookCall, Recorder, in_order

Handle = Callable[[HttpRequest], Awaitable[HttpResponse]]


@frozen
class Settled:
    """An exchange that has ended, and its outcome."""

    exchange: Exchange
    outcome: Outcome


@define(eq=False)
class Answer:
    """What came back: a status, headers and a body that is read on request."""

    status: int
    headers: Mapping[str, str]
    _request: HttpRequest
    _body: bytes | AsyncIterator[bytes]
    _received: list[bytes] = field(factory=list)
    _reading: bool = False
    _unread: set["Answer"] = field(factory=set)

    @property
    def streaming(self) -> bool:
        """Whether the body is a stream."""
        return not isinstance(self._body, bytes)

    async def batches(self) -> AsyncIterator[bytes]:
        """The bytes of the body as the gateway yields them."""
        if isinstance(self._body, bytes):
            yield self._body
            return
        while data := await self._next(self._body):
            self._received.append(data)
            yield data
        self._unread.discard(self)

    async def events(self) -> AsyncIterator[bytes]:
        """The server-sent events of a stream, each whole."""
        async for batch in self.batches():
            for event in sse.split(batch):
                yield event

    async def read(self) -> bytes:
        """The whole body, including what has already been read."""
        if isinstance(self._body, bytes):
            return self._body
        async for _ in self.batches():
            pass
        return b"".join(self._received)

    async def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(await self.read())

    async def text(self) -> str:
        """The text of the answer in the testing dialect, whole or streamed."""
        body = await self.read()
        if not self.streaming:
            return str(msgspec.json.decode(body)["text"])
        facts = [msgspec.json.decode(sse.data_of(event) or b"{}") for event in sse.split(body)]
        return "".join(fact.get("text", "") for fact in facts)

    async def disconnect(self) -> None:
        """Close the client's connection, as a server adapter reports it."""
        self._unread.discard(self)
        self._request.abort()
        close = getattr(self._body, "aclose", None)
        if close is not None and not self._reading:
            await close()

    async def _next(self, body: AsyncIterator[bytes]) -> bytes:
        self._reading = True
        try:
            return await anext(body, b"")
        finally:
            self._reading = False


@define(eq=False)
class Pending:
    """A request in progress; await it for its answer."""

    task: asyncio.Task[Answer]
    _request: HttpRequest

    def __await__(self) -> Generator[Any, None, Answer]:
        return self.task.__await__()

    def disconnect(self) -> None:
        """Close the client's connection before the answer arrives."""
        self._request.abort()

    def cancel(self) -> None:
        """Cancel the task that waits for the answer."""
        self.task.cancel()


@define(eq=False)
class GatewayClient:
    """A client of one gateway that runs in this process.

    `settled` has every exchange that has ended, in that order; `log` returns the access log so far.
    """

    _handle: Handle
    _handle_admin: Handle
    _shut_down: Callable[[], Awaitable[None]]
    _serve: Callable[[], AbstractAsyncContextManager[str]]
    plugins: Mapping[str, Plugin]
    log: Callable[[], str]
    settled: list[Settled] = field(factory=list)
    _unread: set[Answer] = field(factory=set)

    @property
    def admin(self) -> "GatewayClient":
        """A client of the admin listener, as who can open its socket."""
        return evolve(self, handle=self._handle_admin)

    def plugin(self, name: str) -> Any:
        """The instance of a table, of a plugin or a provider."""
        return self.plugins[name]

    @property
    def fake(self) -> FakeProvider:
        """The provider that answers by script."""
        return cast("FakeProvider", self.plugins["fake"])

    def calls(self) -> list[HookCall]:
        """What all recorders have noted, in chronological order."""
        return in_order(one for one in self.plugins.values() if isinstance(one, Recorder))

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Pending:
        """Begin a request, to be awaited, cancelled or disconnected."""
        data = msgspec.json.encode(json) if json is not None else body
        request = HttpRequest.local(method, path, data, headers)
        return Pending(asyncio.create_task(self._answer(request)), request)

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET request."""
        return await self.send("GET", path, headers=headers)

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a POST request with a JSON value, or bytes."""
        return await self.send("POST", path, json=json, body=body, headers=headers)

    def start_chat(
        self,
        text: str,
        *,
        model: str = "fake/echo",
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Pending:
        """Begin a chat in the testing dialect; `more` is added to the request's body."""
        json = {"model": model, "messages": [{"role": "user", "text": text}], **more}
        if stream:
            json["stream"] = True
        return self.send("POST", CHAT_PATH, json=json, headers=headers)

    async def chat(
        self,
        text: str = "Hello",
        *,
        model: str = "fake/echo",
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Chat in the testing dialect. A streamed answer is returned once its head has arrived."""
        return await self.start_chat(text, model=model, stream=stream, headers=headers, **more)

    def serve(self) -> AbstractAsyncContextManager[str]:
        """Serve the endpoints for clients on loopback while a block runs: `as url`.

        The server runs in the test's event loop, so a client that blocks needs another thread.
        """
        return self._serve()

    async def shut_down(self) -> None:
        """End every running request, as a shutdown does when its grace period is over."""
        await self._shut_down()

    async def leave(self) -> None:
        """Disconnect from streams that are not read to their end; the gateway waits for readers."""
        for answer in tuple(self._unread):
            await answer.disconnect()

    async def _answer(self, request: HttpRequest) -> Answer:
        response = await self._handle(request)
        headers = CIMultiDict(response.headers)
        answer = Answer(response.status, headers, request, response.body, unread=self._unread)
        if answer.streaming:
            self._unread.add(answer)
        return answer
