"""From one dialect to another, by way of the canonical form."""

from collections.abc import AsyncIterator, Sequence

from attrs import evolve

from jackfield._provider_stream import ProviderStream
from jackfield._tap import Tap
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Loss,
)
from jackfield.errors import LossRefused, ProviderError, StreamTruncated
from jackfield.events import Ended, Failed, StreamEvent, UsageReported
from jackfield.exchange import Exchange
from jackfield.messages import ChatRequest, TokenCount, Usage
from jackfield.response import Response


def addressed(request: CanonicalRequest, model: str) -> CanonicalRequest:
    """The same request, asked of `model`."""
    return evolve(request, model=model) if request.model != model else request


def limited(request: ChatRequest, max_tokens: int) -> ChatRequest:
    """The same request with a limit to its answer, if it had none."""
    return request if request.max_tokens is not None else evolve(request, max_tokens=max_tokens)


def refuse_broken(exchange: Exchange, dialect: Dialect, losses: Sequence[Loss]) -> None:
    """Raise LossRefused when what is lost is part of the question."""
    broken = [loss for loss in losses if loss.breaks]
    if broken:
        raise LossRefused(
            f"{exchange.model} is served in {dialect.name}, which cannot express this request: "
            + "; ".join(map(str, broken))
        )


def whole(exchange: Exchange, answer: CanonicalResponse, losses: tuple[Loss, ...] = ()) -> Response:
    """A canonical answer in the client's dialect."""
    usage = None if isinstance(answer, TokenCount) else answer.usage
    exchange.tap = Tap.known(usage)
    rendered = exchange.dialect.render_response(answer, exchange.canonical())
    return Response(200, rendered.body, losses=losses + rendered.losses)


class RenderedStream:
    """Canonical events, rendered for the client as they come.

    A stream that breaks off in `Failed` or ends without `Ended` raises.
    """

    def __init__(
        self, exchange: Exchange, batches: AsyncIterator[Sequence[StreamEvent]], provider: str
    ) -> None:
        self._batches = batches
        self._renderer = exchange.dialect.stream_renderer(exchange.canonical())
        self._provider = provider
        self._ended = False
        self._first: bytes | None = None
        self.usage: Usage | None = None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the client's dialect could not express so far."""
        return tuple(self._renderer.losses)

    async def begin(self) -> None:
        """Wait for the first bytes. Raises ProviderError if the stream fails before them."""
        self._first = await anext(self, b"")

    def __aiter__(self) -> "RenderedStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, None
            return first
        async for batch in self._batches:
            data = b"".join([self._render(event) for event in batch])
            if data:
                return data
        if not self._ended:
            raise StreamTruncated(
                "The provider's stream ended before the answer did.", provider=self._provider
            )
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the source."""
        close = getattr(self._batches, "aclose", None)
        if close is not None:
            await close()

    def _render(self, event: StreamEvent) -> bytes:
        if isinstance(event, Failed):
            raise ProviderError(
                event.message,
                provider=self._provider,
                upstream_status=event.status,
                error_type=event.type,
                error_code=event.code,
            )
        if isinstance(event, UsageReported):
            self.usage = event.usage
        elif isinstance(event, Ended):
            self._ended = True
        return self._renderer.render(event)


async def canonical_stream(
    exchange: Exchange,
    batches: AsyncIterator[Sequence[StreamEvent]],
    provider: str,
    losses: tuple[Loss, ...] = (),
) -> Response:
    """A stream of canonical events as a response in the client's dialect."""
    stream = RenderedStream(exchange, batches, provider)
    exchange.tap = Tap(lambda: stream.usage)
    await stream.begin()
    dialect = exchange.dialect
    media = dialect.framing.content_type
    return Response(200, stream, media, losses=losses + stream.losses)


async def parsed(source: ProviderStream, dialect: Dialect) -> AsyncIterator[Sequence[StreamEvent]]:
    """A provider's stream as canonical events, `Ended` once the source's end is proven."""
    parser = dialect.stream_parser()
    ended = False
    try:
        async for batch in source:
            for event in dialect.framing.split(batch):
                events = parser.feed(event)
                ended = ended or any(isinstance(one, Ended) for one in events)
                yield events
        rest = parser.close()
        yield rest
        if not ended and not any(isinstance(one, Ended) for one in rest):
            yield (Ended(),)
    finally:
        await source.aclose()
