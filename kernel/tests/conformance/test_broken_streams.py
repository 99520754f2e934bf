"""Plugins that spoil streams, each found by the kit under the name of the law."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from jackfield import (
    Chunk,
    Exchange,
    GatewayError,
    Outcome,
    Plugin,
    ProviderError,
    Response,
    Secret,
    hookimpl,
)
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.events import Started, StreamEvent, TextDelta
from jackfield.http_provider import HttpProvider
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text
from jackfield.plan import Target
from jackfield.providers import CanonicalProvider
from jackfield.testing import CHAT_ENDPOINT, TESTING_CHAT, ChatDialect


class Rewrites(Plugin):
    """Declares that it changes responses; the base of several broken plugins."""

    mutates = frozenset({"response"})

    def texts(self, chunk: Chunk) -> str:
        return "".join(span.value for span in chunk.texts())


class KeepsTheRest(Rewrites):
    """Holds four characters back, and never sends them."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        held = exchange.state.get(self, "") + self.texts(chunk)
        if not chunk.texts():
            return None
        exchange.state[self] = held[-4:]
        return (chunk.with_texts({("text",): held[:-4]}),)


class LooksAtOneChunkOnly(Rewrites):
    """Replaces a word, unless it is split between two chunks."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        changed = {span.path: span.value.replace("fox", "cat") for span in chunk.texts()}
        return (chunk.with_texts(changed),) if changed else None


class RewritesStreamsOnly(Rewrites):
    """Leaves whole answers unchanged."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        changed = {span.path: span.value.upper() for span in chunk.texts()}
        return (chunk.with_texts(changed),) if changed else None


class AddsAChunkAfterTheEnd(Rewrites):
    """Returns a chunk after the final one."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        more = Chunk(b'data: {"text":"bye"}\n\n', chunk.dialect)
        return (chunk, more) if chunk.final else None


class RemovesTheEnd(Rewrites):
    """Removes the data of the final chunk."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> list[Chunk] | None:
        return [chunk.with_data(b"")] if chunk.final else None


class SplitsEvents(Rewrites):
    """Returns half an event at a time."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        middle = len(chunk.data) // 2
        halves = (chunk.data[:middle], chunk.data[middle:])
        return None if chunk.final else [Chunk(data, chunk.dialect) for data in halves]


class SettlesItself(Rewrites):
    """Calls its own `post_response`, which the kernel calls too."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.settling: Any = None

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        if chunk.final:
            self.settling = self.post_response(exchange, Outcome("answered", 200))
            with pytest.raises(StopIteration):
                self.settling.send(None)
        return None

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] = outcome.kind


class StopsWithoutAnEnd(CanonicalProvider):
    """Its streams break off."""

    dialects = (TESTING_CHAT,)
    endpoints = (CHAT_ENDPOINT,)

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        return ChatResponse("1", "m", (Choice(Message("assistant", (Text("hi"),)), "stop"),))

    async def stream_chat(
        self, request: ChatRequest, exchange: Exchange
    ) -> AsyncIterator[Sequence[StreamEvent]]:
        yield (Started("1", "m"), TextDelta(0, "hi"))


class ReformatsStreams(HttpProvider):
    """Renders streams anew, with other white space."""

    dialects: tuple[Dialect, ...] = (TESTING_CHAT,)  # type: ignore[misc] # to be seen per class
    endpoints: tuple[Endpoint, ...] = (CHAT_ENDPOINT,)  # type: ignore[misc]

    async def call(self, exchange: Exchange, target: Target) -> Response:
        response = await super().call(exchange, target)
        if isinstance(response.body, bytes):
            return response
        return Response(200, tinkered(response.body), response.content_type)


async def tinkered(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for data in body:
        yield data.replace(b'":', b'": ')


class OtherDialect(ChatDialect):
    """The same protocol under another name, so that it is translated."""

    name: ClassVar[str] = "testing.other"


class WithoutEndpoints(HttpProvider):
    """Has no endpoints; the base of several broken providers."""

    dialects: tuple[Dialect, ...] = (OtherDialect(),)  # type: ignore[misc] # to be seen per class
    paths: Mapping[str, str] = {"testing.other": "/chat"}  # type: ignore[misc]


class ShowsItsKey(WithoutEndpoints):
    """Shows its key in an error."""

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        self.key = secret.reveal() if secret else ""
        return super().authorize(secret)

    async def call(self, exchange: Exchange, target: Target) -> Response:
        try:
            return await super().call(exchange, target)
        except ProviderError as error:
            raise ProviderError(f"{self.key} was refused", provider=self.name) from error


class HidesItsCuts(WithoutEndpoints):
    """Ends every stream well."""

    async def call(self, exchange: Exchange, target: Target) -> Response:
        response = await super().call(exchange, target)
        if isinstance(response.body, bytes):
            return response
        return Response(200, ended(response.body), response.content_type)


async def ended(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with suppress(GatewayError):
        async for data in body:
            yield data
    yield b'data: {"end":true}\n\n'


CASES: list[tuple[str, type[Plugin], str]] = [
    ("stream-flushed", KeepsTheRest, "a streamed one"),
    ("stream-flushed", RewritesStreamsOnly, "a whole answer says"),
    ("stream-any-chunking", LooksAtOneChunkOnly, "in deltas of 1 characters"),
    ("stream-ends-once", AddsAChunkAfterTheEnd, "behind a final one"),
    ("stream-ends-once", RemovesTheEnd, "ended without the event that says so"),
    ("stream-whole-events", SplitsEvents, "no whole event"),
    ("settled-once-stream", SettlesItself, "post_response ran 2 times"),
    ("provider-answers", StopsWithoutAnEnd, "its stream has no end"),
    ("bytes-stay-bytes", ReformatsStreams, "of a stream that came 1 bytes at a time"),
    ("key-in-an-error", ShowsItsKey, "its key was shown"),
    ("cut-is-an-error", HidesItsCuts, "of a stream that was cut it made"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_a_stream_breaks(
    law: str, kind: type[Plugin], what: str, verdict: Any
) -> None:
    assert what in verdict(kind, law)
