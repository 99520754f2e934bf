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


class Rewrites(Plugin):
    """What some of the broken plugins of this page have in common: they declare it."""

    mutates = frozenset({"request", "response"})


class HoldsForEverybody(Rewrites):
    """Holds events back in pairs, and forgets whose they are."""

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


class HidesForEverybody(Rewrites):
    """Remembers one word for all callers, and shows it to whoever comes back first."""

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


class GivesBackOnSuccess(Plugin):
    """Lets in one at a time, and counts out those alone that got an answer."""

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


class WrapsAndForgets(Rewrites):
    """Hands on a stream of its own, and does not close what that reads."""

    kept: list[Response]

    async def start(self, setup: Setup) -> None:
        self.kept = []

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)
        self.kept.append(response)
        if isinstance(response.body, bytes):
            return response
        return Response(200, wrapped(response.body), response.content_type)


class MendsACut(Rewrites):
    """Makes a good end of a bad one."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)
        if isinstance(response.body, bytes):
            return response
        return Response(200, mended(response.body), response.content_type)


class PretendsTheEnd(Rewrites):
    """Sends the event that ends a stream where the provider has not."""

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


class ReadsWhatIsNotThere(Plugin):
    """Takes every answer for JSON, that of a dry run too."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if outcome.response is not None and not outcome.response.streaming:
            exchange.state[self] = outcome.response.json()


class TakesEverythingForAChat(Plugin):
    """Asks for the canonical form of what has none."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = exchange.canonical()


class ForgetsToWait(Plugin):
    """Calls a coroutine function as if it were a function."""

    async def mark(self, exchange: Exchange) -> None:
        exchange.set_response_header("x-marked", "yes")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.mark(exchange)  # type: ignore[unused-coroutine] # which is what is broken


class TidiesUp(Plugin):
    """Clears books that are not its own."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.failures.clear()


class ChangesTheTree(Rewrites):
    """Changes the value that everybody reads."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if exchange.operation == "chat":
            exchange.tree["temperature"] = 0


class WritesLines(Plugin):
    """Puts a line break into a header by the way that checks nothing."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.set_response_headers({"x-label": "a\r\nset-cookie: b"})


class CountsBytes(Rewrites):
    """Says how long the answer is, as it was."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        return outcome.response and outcome.response.with_headers(content_length="5")


class LogsItsOwnWay(Plugin):
    """Sets up logging for everybody."""

    async def start(self, setup: Setup) -> None:
        self.handler = logging.NullHandler()
        logging.getLogger().addHandler(self.handler)

    async def stop(self) -> None:
        logging.getLogger().removeHandler(self.handler)


class SetsVariables(Plugin):
    """Leaves something in the environment."""

    async def start(self, setup: Setup) -> None:
        os.environ["JACKFIELD_TEST_NOISE"] = "on"

    async def stop(self) -> None:
        os.environ.pop("JACKFIELD_TEST_NOISE", None)


class AnswersInText(Plugin):
    """Takes text for bytes."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, '{"text": "hi"}')  # type: ignore[arg-type] # which is what is broken


class AnswersWithTheFunction(Plugin):
    """Forgets to call what makes its stream."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, wrapped, "text/event-stream")  # type: ignore[arg-type] # the same


class AlwaysStreams(Plugin):
    """Does not look at what was asked for."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response:
        return Response(200, one_event(), "text/event-stream")


class StreamsText(Plugin):
    """Takes text for bytes in its streams as well."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        return Response(200, lines(), "text/event-stream") if exchange.stream else None


async def lines() -> AsyncIterator[bytes]:
    yield 'data: {"end":true}\n\n'  # type: ignore[misc] # which is what is broken


async def one_event() -> AsyncIterator[bytes]:
    yield b'data: {"end":true}\n\n'


class KnowsNobody(Plugin):
    """Looks for keys, and forgets to say whose they are."""

    authenticates = True

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.request.headers.get("authorization")


CASES: list[tuple[str, type[Plugin], str]] = [
    ("requests-apart", HoldsForEverybody, "beside another request"),
    ("requests-apart", HidesForEverybody, "beside another request"),
    (
        "recovery",
        GivesBackOnSuccess,
        "the next request ended in status 429",
    ),
    ("calls-closed", WrapsAndForgets, "left 1 streams open"),
    ("stream-cut", MendsACut, "made one that ends well"),
    ("stream-cut", PretendsTheEnd, "made one that ends well"),
    ("answers-in-kind", AnswersInText, "bytes or an async iterator, not a str"),
    ("answers-in-kind", AnswersWithTheFunction, "bytes or an async iterator, not a function"),
    ("answers-in-kind", StreamsText, "yielded something that is no bytes"),
    ("answers-in-kind", AlwaysStreams, "with a stream, and none was asked for"),
    ("dry-run", ReadsWhatIsNotThere, "in a dry run"),
    ("other-requests", TakesEverythingForAChat, "is passed through, not translated"),
    ("lets-in", KnowsNobody, "say with `headers`"),
    ("awaited", ForgetsToWait, "ForgetsToWait.mark' was never awaited"),
    ("others-notes", TidiesUp, "out of exchange.failures"),
    ("declared-changes", ChangesTheTree, "exchange.tree"),
    ("declared-changes", WritesLines, "header x-label holds a line break"),
    ("declared-changes", CountsBytes, "content-length, which is the server's"),
    ("process-untouched", LogsItsOwnWay, "the root logger"),
    ("process-untouched", SetsVariables, "os.environ"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_spoils_it_for_others(
    law: str, kind: type[Plugin], what: str, verdict: Any
) -> None:
    assert what in verdict(kind, law)
