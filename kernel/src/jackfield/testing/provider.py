"""A provider that answers by script and keeps its requests."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Literal

from attrs import define, evolve, field, frozen

from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.errors import GatewayError, ProviderError, ProviderUnavailable
from jackfield.events import (
    Ended,
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.exchange import Exchange
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    EmbeddingsRequest,
    EmbeddingsResponse,
    FinishReason,
    Message,
    Text,
    ToolCall,
    Usage,
)
from jackfield.providers import CanonicalProvider, ModelInfo

from .dialect import CHAT_ENDPOINT, LIST_ENDPOINT, TESTING_CHAT, text_of
from .dialect_embeddings import EMBEDDINGS_ENDPOINT


@define(eq=False)
class Gate:
    """A place at which the fake provider waits until the test lets it continue."""

    _reached: asyncio.Event = field(factory=asyncio.Event, init=False)
    _open: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def reached(self, within: float = 20.0) -> None:
        """Wait until the provider waits at the gate.

        Raises AssertionError if it does not come there `within` so many seconds.
        """
        try:
            await asyncio.wait_for(self._reached.wait(), within)
        except TimeoutError:
            raise AssertionError(
                f"nothing came to the gate within {within:g} s: no request got that far, or the"
                " stream is not read up to there"
            ) from None

    def open(self) -> None:
        """Let everything through, now and later."""
        self._open.set()

    async def passing(self) -> None:
        """Wait at the gate until it is open."""
        self._reached.set()
        await self._open.wait()


@frozen
class Reply:
    """What the fake provider does with one request.

    `texts` are its deltas; a whole answer joins them. With `cut` the stream stops without its end
    after the texts, and a whole answer never arrives. `per_batch` is how many events of a stream
    are sent at once; 0 is all. At `gate` it waits before the batch `at`, or before a whole answer.
    `error` is raised instead of anything else. `echo` is how many characters of the user's text
    make up a delta, instead of `texts`. `calls` of tools follow the texts; in a stream their
    arguments come in pieces of five characters.
    """

    texts: tuple[str, ...] = ()
    cut: bool = False
    per_batch: int = 1
    gate: Gate | None = None
    at: int = 0
    usage: Usage | None = field(factory=lambda: Usage(3, 5))
    error: GatewayError | None = None
    echo: int = 0
    calls: tuple[ToolCall, ...] = ()

    @property
    def message(self) -> Message:
        """The whole answer."""
        texts = (Text("".join(self.texts)),) if self.texts or not self.calls else ()
        return Message("assistant", (*texts, *self.calls))

    @property
    def finish(self) -> FinishReason:
        """Why the answer ends."""
        return "tool_calls" if self.calls else "stop"

    def in_answer_to(self, user_text: str) -> "Reply":
        """The reply with its texts, if it echoes the user's text."""
        return evolve(self, texts=split_text(user_text, self.echo)) if self.echo else self


@define(eq=False)
class ProviderRequest:
    """One request that the fake provider received. `ended` says how it ended there."""

    request: ChatRequest
    exchange: Exchange
    ended: Literal["running", "answered", "failed", "cancelled"] = "running"


class FakeProvider(CanonicalProvider):
    """Answers by script: each request takes the next reply; without one it echoes, word by word.

    In the TOML it is `use = "fake"`, and `[providers.fake]` is always there.
    """

    @frozen
    class Config:
        """The table of a fake provider."""

        region: str | None = option(None, "Where it claims to run.")
        models: tuple[str, ...] = option(("echo",), "The models it lists.")

    dialects: ClassVar[tuple[Dialect, ...]] = (TESTING_CHAT,)
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        CHAT_ENDPOINT,
        LIST_ENDPOINT,
        EMBEDDINGS_ENDPOINT,
    )
    bare_names: ClassVar[Literal["first", "last", "never"]] = "last"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.requests: list[ProviderRequest] = []
        self._replies: deque[Reply] = deque()
        self._always: Reply | None = None

    def reply(
        self,
        *texts: str,
        cut: bool = False,
        per_batch: int = 1,
        gate: Gate | None = None,
        at: int = 0,
        calls: Sequence[ToolCall] = (),
    ) -> None:
        """Answer the next request with `texts` and `calls`, as `Reply` describes."""
        self._replies.append(Reply(texts, cut, per_batch, gate, at, calls=tuple(calls)))

    def fail(
        self,
        status: int,
        message: str = "A scripted failure.",
        retry_after: float | None = None,
    ) -> None:
        """Fail the next request with the status of a provider."""
        error = ProviderError(
            message, provider="fake", upstream_status=status, retry_after=retry_after
        )
        self._replies.append(Reply(error=error))

    def echo(self, size: int, *, gate: Gate | None = None, at: int = 0) -> None:
        """Answer the next request with its own text, `size` characters per delta."""
        self._replies.append(Reply(echo=size, gate=gate, at=at))

    def hold(self) -> Gate:
        """Wait before answering the next request, until the gate is opened."""
        gate = Gate()
        self._replies.append(Reply(("held",), gate=gate))
        return gate

    def always(self, reply: Reply | None) -> None:
        """Answer every request without a reply of its own with this one; None: echo again."""
        self._always = reply

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models."""
        return [ModelInfo(name, self.name) for name in self.config.models]

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        """Answer by the next reply, as a whole."""
        received, reply = self._next(request, exchange)
        with _tracking_end(received):
            if reply.gate is not None:
                await reply.gate.passing()
            if reply.error is not None:
                raise reply.error
            if reply.cut:
                raise ProviderUnavailable("The answer was cut.", provider=self.name)
            choice = Choice(reply.message, reply.finish)
            return ChatResponse("fake", request.model, (choice,), reply.usage, created=0)

    async def stream_chat(
        self, request: ChatRequest, exchange: Exchange
    ) -> AsyncIterator[Sequence[StreamEvent]]:
        """Answer by the next reply, as a stream."""
        received, reply = self._next(request, exchange)
        with _tracking_end(received):
            if reply.error is not None:
                raise reply.error
            for at, batch in enumerate(_batches(reply, request.model)):
                if reply.gate is not None and at == reply.at:
                    await reply.gate.passing()
                if isinstance(batch[-1], Ended):
                    received.ended = "answered"
                yield batch

    async def embeddings(
        self, request: EmbeddingsRequest, exchange: Exchange
    ) -> EmbeddingsResponse:
        """Answer with a vector of zeros for each input."""
        vectors = tuple((0.0, 0.0) for _ in request.inputs)
        return EmbeddingsResponse(request.model, vectors, Usage(input_tokens=len(vectors)))

    def _next(self, request: ChatRequest, exchange: Exchange) -> tuple[ProviderRequest, Reply]:
        received = ProviderRequest(request, exchange)
        self.requests.append(received)
        user_text = text_of(request.messages[-1]) if request.messages else ""
        if self._replies:
            return received, self._replies.popleft().in_answer_to(user_text)
        reply = (self._always or Reply()).in_answer_to(user_text)
        if reply.texts or reply.calls or reply.error is not None:
            return received, reply
        return received, evolve(reply, texts=tuple(_words(user_text)))


@contextmanager
def _tracking_end(received: ProviderRequest) -> Iterator[None]:
    """Note how the request ends; a consumer that stops reading cancels it."""
    ended: Literal["answered", "failed", "cancelled"] = "answered"
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        ended = "cancelled"
        raise
    except BaseException:
        ended = "failed"
        raise
    finally:
        if received.ended == "running":
            received.ended = ended


def _batches(reply: Reply, model: str) -> list[tuple[StreamEvent, ...]]:
    events: list[StreamEvent] = [Started("fake", model, created=0)]
    events += [TextDelta(0, text) for text in reply.texts]
    for part, call in enumerate(reply.calls, start=1 if reply.texts else 0):
        events.append(ToolCallStarted(part, call.id, call.name))
        events += [ToolCallDelta(part, piece) for piece in split_text(call.arguments, 5)]
    if not reply.cut:
        events.append(Finished(reply.finish))
        if reply.usage is not None:
            events.append(UsageReported(reply.usage))
        events.append(Ended())
    size = reply.per_batch or len(events)
    return [tuple(events[at : at + size]) for at in range(0, len(events), size)]


def split_text(text: str, size: int) -> tuple[str, ...]:
    """The text in pieces of `size` characters."""
    return tuple(text[at : at + size] for at in range(0, len(text), size))


def _words(text: str) -> list[str]:
    """The words of a text, each with the space before it."""
    words = text.split(" ")
    return words[:1] + [f" {word}" for word in words[1:]]
