"""Translates from one dialect to another by way of the canonical form."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from attrs import evolve
from msgspec.structs import replace

from jackfield import events
from jackfield._lost_places import place_of
from jackfield._provider_stream import ProviderStream
from jackfield._tap import Tap, can_be
from jackfield._tool_names import restoring_names
from jackfield.dialects import CanonicalRequest, CanonicalResponse, Dialect, Loss
from jackfield.errors import LossRefused, ProviderError, StreamTruncated
from jackfield.exchange import Exchange
from jackfield.losses import lost_in_answer
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, TokenCount, Usage
from jackfield.response import Response

_NO_HEADERS: Final[Mapping[str, str]] = {}
_Batches = AsyncIterator[Sequence[events.StreamEvent]]
_PIECES: Final = (events.TextDelta, events.ToolCallDelta, events.ReasoningDelta)
"""Events of which a stream has many; what a dialect adds to them is a note on form."""

IMPOSSIBLE_USAGE: Final = Loss("usage", "usage", "dropped", "its counts cannot be true")
"""The loss of a usage that is not believed: only clients of the provider's own dialect see it."""


def addressed(request: CanonicalRequest, model: str) -> CanonicalRequest:
    """The same request, addressed to `model`."""
    return replace(request, model=model) if request.model != model else request


def refuse_broken(exchange: Exchange, dialect: Dialect, losses: Sequence[Loss]) -> None:
    """Raise LossRefused, with the place, if an essential part of the question is lost."""
    broken = [loss for loss in losses if loss.breaks] if losses else ()
    if broken:
        places = [place_of(exchange, loss) for loss in broken]
        named = (f"{place}: {loss}" for place, loss in zip(places, broken, strict=True))
        raise LossRefused(
            f"{exchange.model} is served in {dialect.name}, which cannot express this request: "
            + "; ".join(dict.fromkeys(named)),
            # A path that only the canonical form has is not a field of the client's.
            param=places[0] if places[0] != broken[0].path else None,
        )


def whole(
    exchange: Exchange,
    answer: CanonicalResponse,
    losses: tuple[Loss, ...] = (),
    headers: Mapping[str, str] = _NO_HEADERS,
    source: Dialect | None = None,
) -> Response:
    """A canonical answer, read in `source`, in the client's dialect; `losses` are those so far."""
    usage = None if isinstance(answer, TokenCount) else answer.usage
    exchange.tap = Tap.known(usage)
    if usage is not None and not can_be(usage):
        answer, losses = replace(answer, usage=None), (*losses, IMPOSSIBLE_USAGE)
    render = restoring_names(exchange, source, exchange.dialect.render_response)
    rendered = render(answer, exchange.canonical())
    exchange.losses = losses + rendered.losses + lost_in_answer(answer, source, exchange.dialect)
    return Response(200, rendered.body, headers=headers, losses=exchange.losses)


def in_parts(exchange: Exchange, dialect: Dialect) -> list[Exchange]:
    """One exchange for each request over which a dialect needs the inputs to be spread."""
    most = dialect.most_inputs
    request = exchange.canonical() if most else None
    if not most or not isinstance(request, EmbeddingsRequest) or len(request.inputs) <= most:
        return [exchange]
    spread = [request.inputs[at : at + most] for at in range(0, len(request.inputs), most)]
    return [evolve(exchange, canonical=replace(request, inputs=each), tap=None) for each in spread]


def used(parts: Sequence[Exchange]) -> Tap:
    """The usage of the parts answered so far, whatever happens to the others."""

    def total() -> Usage | None:
        each = [part.tap.usage() for part in parts if part.tap]
        known = [usage.input_tokens for usage in each if usage is not None]
        return Usage(sum(known)) if known and len(known) == len(each) else None

    return Tap(total)


def joined(exchange: Exchange, answers: Sequence[Response]) -> Response:
    """The answers to the parts of an embeddings request, combined into one."""
    parse = exchange.dialect.parse_response
    read = [parse(each.body) for each in answers if isinstance(each.body, bytes)]
    vectors = [one for each in read if isinstance(each, EmbeddingsResponse) for one in each.vectors]
    answer = EmbeddingsResponse("", tuple(vectors), exchange.tap.usage() if exchange.tap else None)
    return whole(exchange, answer, answers[0].losses, answers[-1].headers)


class Rendering:
    """Renders canonical events into one client's dialect.

    A stream that breaks off in `Failed` raises.
    """

    def __init__(
        self, exchange: Exchange, provider: str, source: Dialect | None, losses: tuple[Loss, ...]
    ) -> None:
        self._exchange, self._source, self._lost = exchange, source, losses
        self._renderer = exchange.dialect.stream_renderer(exchange.canonical())
        self._write = restoring_names(exchange, source, self._renderer.render)
        self.provider = provider
        self.ended, self.events = False, 0
        self.usage: Usage | None = None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What was lost so far; what is lost after the head was sent only the exchange tells."""
        return tuple(dict.fromkeys((*self._lost, *self._renderer.losses)))

    def wire(self, batch: Sequence[events.StreamEvent]) -> bytes:
        """The events in wire form; some have none."""
        return b"".join([self._render(event) for event in batch])

    def _render(self, event: events.StreamEvent) -> bytes:
        if isinstance(event, events.Failed):
            raise ProviderError(
                event.message,
                provider=self.provider,
                upstream_status=event.status,
                error_type=event.type,
                error_code=event.code,
            )
        self.events += 1
        if type(event) is events.UsageReported and not can_be(event.usage):
            self.usage, self._lost = event.usage, (*self._lost, IMPOSSIBLE_USAGE)
            return b""
        wire = self._write(event)
        if type(event) in _PIECES:
            return wire
        if isinstance(event, events.UsageReported):
            self.usage = event.usage
        self.ended = self.ended or isinstance(event, events.Ended)
        self._lost += lost_in_answer(event, self._source, self._exchange.dialect)
        self._exchange.losses = self.losses
        return wire


class RenderedStream:
    """The events of a provider that speaks no wire protocol, rendered as they come."""

    def __init__(self, rendering: Rendering, batches: _Batches) -> None:
        self._rendering = rendering
        self._batches = batches
        self._first = b""

    async def begin(self) -> None:
        """Wait for the first bytes. Raises ProviderError if the stream fails before them."""
        self._first = await anext(self, b"")

    def __aiter__(self) -> "RenderedStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        async for batch in self._batches:
            if data := self._rendering.wire(batch):
                return data
        if not self._rendering.ended:
            why = "The provider's stream ended before the answer did."
            raise StreamTruncated(why, provider=self._rendering.provider)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the source."""
        if hasattr(self._batches, "aclose"):
            await self._batches.aclose()


class TranslatedStream:
    """A provider's stream, parsed and rendered event by event as it arrives."""

    def __init__(self, rendering: Rendering, source: ProviderStream, dialect: Dialect) -> None:
        self._rendering = rendering
        self._source = source
        self._parser = dialect.stream_parser()
        self._split = dialect.framing.split
        self._first: bytes | None = None
        self._over = False
        self._sink: Callable[[bytes], bool] | None = None
        self._left: Exception | None = None

    async def begin(self) -> None:
        """Wait for the first bytes. Raises ProviderError if the stream fails before them."""
        self._first = await anext(self, b"") or None
        if self._left is not None:
            raise self._left

    def divert(self, sink: Callable[[bytes], bool]) -> None:
        """Give each batch to `sink` in the call that received it; see `ProviderStream.divert`."""
        self._sink = sink
        if self._first is not None and not (self._over or self._rendering.ended):
            self._first = None if sink(self._first) else b""
        self._source.divert(self._push)

    def __aiter__(self) -> "TranslatedStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        while self._left is None:
            if (batch := await anext(self._source, None)) is None:
                data, self._over = b"" if self._over else self._last(), True
                if data:
                    return data
                raise StopAsyncIteration
            data = self._translated(batch)
            if data or (not batch and self._left is None):
                return data
        raise self._left

    async def aclose(self) -> None:
        """Stop the source."""
        await self._source.aclose()

    def _translated(self, batch: bytes) -> bytes:
        """The result for a batch up to an event that fails, which is raised afterwards."""
        wire, feed, rendered = self._rendering.wire, self._parser.feed, b""
        try:
            for event in self._split(batch):
                rendered += wire(feed(event))
        except Exception as error:  # noqa: BLE001 - passed on to the reader, whatever it is
            self._left = error
        return rendered

    def _push(self, batch: bytes) -> bool:
        data = self._translated(batch)
        taken = not data or self._sink is None or self._sink(data)
        return taken and self._left is None

    def _last(self) -> bytes:
        """What is still owed: the source has ended, and its answer is known to be complete."""
        data = self._rendering.wire(self._parser.close())
        return data if self._rendering.ended else data + self._rendering.wire((events.Ended(),))


async def canonical_stream(exchange: Exchange, batches: _Batches, provider: str) -> Response:
    """A stream of canonical events as a response in the client's dialect."""
    rendering = Rendering(exchange, provider, None, ())
    exchange.tap = Tap(lambda: rendering.usage, lambda: rendering.ended, lambda: rendering.events)
    stream = RenderedStream(rendering, batches)
    await stream.begin()
    return Response(200, stream, exchange.dialect.framing.content_type, losses=rendering.losses)


async def translated_stream(
    exchange: Exchange, source: ProviderStream, dialect: Dialect, shape: Response, provider: str
) -> Response:
    """A provider's stream in the client's dialect; `shape` has its headers and losses."""
    rendering = Rendering(exchange, provider, dialect, shape.losses)
    stream = TranslatedStream(rendering, source, dialect)
    await stream.begin()
    media = exchange.dialect.framing.content_type
    return Response(200, stream, media, shape.headers, rendering.losses)
