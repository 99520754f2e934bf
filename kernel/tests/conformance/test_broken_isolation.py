"""Plugins that do not get on with others: other requests, other plugins, the process."""

import logging
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from jackfield import (
    CallNext,
    Chunk,
    Exchange,
    GatewayError,
    Outcome,
    Plugin,
    RateLimited,
    Response,
    Setup,
    Target,
    hookimpl,
)
from jackfield.messages import chat_of


class Rewrites(Plugin):
    """Declares that it changes requests and responses; the base of several broken plugins."""

    mutates = frozenset({"request", "response"})


class SharesHeldEvents(Rewrites):
    """Holds events back in pairs, shared by all exchanges."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.held: list[Chunk] = []

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        self.held.append(chunk)
        if not chunk.final and len(self.held) % 2:
            return []
        out, self.held = self.held, []
        return out


class SharesHiddenWords(Rewrites):
    """Remembers one word for all callers, and restores it for the first that comes back."""

    word = ""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        for span in exchange.texts():
            self.word, _, rest = span.value.partition(" ")
            exchange.replace_texts({span.path: f"WORD {rest}"})

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        response = outcome.response
        if outcome.kind != "answered" or response is None or not isinstance(response.body, bytes):
            return None
        return response.with_body(response.body.replace(b"WORD", self.word.encode()))


class ReleasesOnSuccess(Plugin):
    """Admits one request at a time, and releases the place only after an answer."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.inside = 0

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if self.inside:
            raise RateLimited("Somebody else is in.")
        self.inside += 1

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        self.inside -= outcome.kind == "answered"


class LeavesTheLoserOpen(Rewrites):
    """Calls twice, and does not close the stream that it does not return."""

    kept: list[Response]

    async def start(self, setup: Setup) -> None:
        self.kept = []

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        self.kept.append(await call_next(target))
        return await call_next(target)


class HidesACut(Rewrites):
    """Turns an aborted chunk into a good end."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)
        if isinstance(response.body, bytes):
            return response
        return Response(200, mended(response.body), response.content_type)


class AddsAnEnd(Rewrites):
    """Sends the terminal event where the provider has not."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        end = Chunk(b'data: {"end":true}\n\n', chunk.dialect)
        return (end, chunk) if chunk.aborted else None


async def wrapped(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for data in body:
        yield data


async def mended(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for data in body:
            yield data
    except GatewayError:
        yield b'data: {"end":true}\n\n'


class ReadsEmptyAnswers(Plugin):
    """Parses every answer as JSON, including the empty one of a dry run."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if outcome.response is not None and not outcome.response.streaming:
            exchange.state[self] = outcome.response.json()


class TakesEverythingForAChat(Plugin):
    """Asks for the canonical form of requests that have none."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = exchange.canonical()


class TakesEmbeddingsForAChat(Plugin):
    """Asks for the messages of every request that has a canonical form."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if exchange.dialect.translates:
            exchange.state[self] = chat_of(exchange.canonical())


class ForgetsToAwait(Plugin):
    """Calls a coroutine function without awaiting it."""

    async def mark(self, exchange: Exchange) -> None:
        exchange.set_response_header("x-marked", "yes")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.mark(exchange)  # type: ignore[unused-coroutine] # which is what is broken


class ClearsFailures(Plugin):
    """Clears the failures that the kernel has recorded."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.failures.clear()


class ChangesTheTree(Rewrites):
    """Changes the shared JSON value of the request."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if exchange.operation == "chat":
            exchange.tree["temperature"] = 0


class WritesLineBreaks(Plugin):
    """Puts a line break into a header by the method that checks nothing."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.set_response_headers({"x-label": "a\r\nset-cookie: b"})


class SetsTheLength(Rewrites):
    """Sets the content length, which belongs to the server."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        return outcome.response and outcome.response.with_headers(content_length="5")


class ReconfiguresLogging(Plugin):
    """Adds a handler to the root logger."""

    async def start(self, setup: Setup) -> None:
        self.handler = logging.NullHandler()
        logging.getLogger().addHandler(self.handler)

    async def stop(self) -> None:
        logging.getLogger().removeHandler(self.handler)


class SetsVariables(Plugin):
    """Leaves a variable in the environment."""

    async def start(self, setup: Setup) -> None:
        os.environ["JACKFIELD_TEST_NOISE"] = "on"

    async def stop(self) -> None:
        os.environ.pop("JACKFIELD_TEST_NOISE", None)


class AnswersInText(Plugin):
    """Answers with text instead of bytes."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, '{"text": "hi"}')  # type: ignore[arg-type] # which is what is broken


class AnswersWithAFunction(Plugin):
    """Does not call the function that creates its stream."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, wrapped, "text/event-stream")  # type: ignore[arg-type] # the same


class AlwaysStreams(Plugin):
    """Streams although no stream was requested."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, one_event(), "text/event-stream")


class NeverStreams(Plugin):
    """Answers requests for a stream with a whole answer."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, b'{"text": "Hello"}')


class StreamsWithoutAnEnd(Plugin):
    """Leaves out the event that ends its stream."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        return Response(200, half(), "text/event-stream") if exchange.stream else None


class StreamsText(Plugin):
    """Yields text instead of bytes."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        return Response(200, lines(), "text/event-stream") if exchange.stream else None


async def lines() -> AsyncIterator[bytes]:
    yield 'data: {"end":true}\n\n'  # type: ignore[misc] # which is what is broken


async def half() -> AsyncIterator[bytes]:
    yield b'data: {"text":"Hello"}\n\n'


async def one_event() -> AsyncIterator[bytes]:
    yield b'data: {"end":true}\n\n'


class IdentifiesNobody(Plugin):
    """Authenticates, and sets no principal."""

    authenticates = True

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.request.headers.get("authorization")


CASES: list[tuple[str, type[Plugin], str]] = [
    ("requests-apart", SharesHeldEvents, "beside another request"),
    ("requests-apart", SharesHiddenWords, "beside another request"),
    (
        "recovery",
        ReleasesOnSuccess,
        "the next request ended in status 429",
    ),
    ("calls-closed", LeavesTheLoserOpen, "left 1 streams open"),
    ("stream-cut", HidesACut, "made one that ends well"),
    ("stream-cut", AddsAnEnd, "made one that ends well"),
    ("answers-in-kind", AnswersInText, "bytes or an async iterator, not a str"),
    ("answers-in-kind", AnswersWithAFunction, "bytes or an async iterator, not a function"),
    ("answers-in-kind", StreamsText, "yielded something that is no bytes"),
    ("answers-in-kind", AlwaysStreams, "with a stream, and none was asked for"),
    ("answers-in-kind", NeverStreams, "a request for a stream with a whole answer"),
    ("answers-in-kind", StreamsWithoutAnEnd, "ended without the event that says so"),
    ("dry-run", ReadsEmptyAnswers, "in a dry run"),
    ("other-requests", TakesEverythingForAChat, "is passed through, not translated"),
    ("other-requests", TakesEmbeddingsForAChat, "raised TypeError → refuse"),
    ("lets-in", IdentifiesNobody, "say with `headers`"),
    ("awaited", ForgetsToAwait, "ForgetsToAwait.mark' was never awaited"),
    ("others-notes", ClearsFailures, "out of exchange.failures"),
    ("declared-changes", ChangesTheTree, "exchange.tree"),
    ("declared-changes", WritesLineBreaks, "header x-label holds a line break"),
    ("declared-changes", SetsTheLength, "content-length, which is the server's"),
    ("process-untouched", ReconfiguresLogging, "the root logger"),
    ("process-untouched", SetsVariables, "os.environ"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_spoils_it_for_others(
    law: str, kind: type[Plugin], what: str, verdict: Any
) -> None:
    assert what in verdict(kind, law)
