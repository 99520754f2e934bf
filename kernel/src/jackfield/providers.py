"""Providers: what answers a request, either over HTTP in a dialect or in canonical form."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Literal

from attrs import field, frozen
from attrs.validators import instance_of

from jackfield import _translation
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint, shown_path
from jackfield.errors import NotServed, ProviderTimeout
from jackfield.events import StreamEvent
from jackfield.exchange import Exchange
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    EmbeddingsRequest,
    EmbeddingsResponse,
    RerankRequest,
    RerankResponse,
    TokenCount,
)
from jackfield.plan import Target
from jackfield.plugin import Plugin
from jackfield.response import Response
from jackfield.setup import Setup
from jackfield.timeouts import Timeouts


@frozen
class ModelInfo:
    """A model that a provider serves; `created` is in Unix seconds."""

    id: str = field(validator=instance_of(str))
    owned_by: str = field(default="", validator=instance_of(str))
    created: int = field(default=0, validator=instance_of(int))


class Provider(Plugin):
    """A plugin whose table is under `[providers]`.

    `dialects` and `endpoints` are what its vendor defines: they are offered for every provider as
    soon as the class is loaded, even if it is only named in `server.front_doors`.
    """

    dialects: ClassVar[tuple[Dialect, ...]] = ()
    endpoints: ClassVar[tuple[Endpoint, ...]] = ()

    bare_names: ClassVar[Literal["first", "last", "never"]] = "first"
    """Whether a model name without a provider may mean it; "last": only if it can mean no other."""

    vendor: str | None = None
    """Whose prices it asks, by the name in the price book; None is the name of its plugin, and an
    empty name nobody's that is known."""

    async def start(self, setup: Setup) -> None:
        """Register the provider. An override must call this."""
        setup.add_provider(self)

    async def models(self) -> Sequence[ModelInfo]:
        """The models it serves, for the list of models. May call the API."""
        return ()

    def lists(self, model: str) -> bool:
        """Whether it is known to serve `model`, so that the bare name suffices."""
        return False

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether it can answer requests to `endpoint`, translated if necessary."""
        raise NotImplementedError

    def not_served(self, exchange: Exchange, target: Target) -> NotServed:
        """The error for an attempt at something that it does not serve."""
        model = f" for {target.model!r}" if target.model else ""
        return NotServed(
            f"The provider {self.name!r} does not serve {exchange.request.method} "
            f"{shown_path(exchange.request.path)}{model}. Name a model of a provider that does."
        )

    def losses(self, exchange: Exchange, target: Target) -> tuple[Loss, ...]:
        """What this target would lose of the request; nothing is sent."""
        return ()

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt: the answer in the client's dialect. Raises ProviderError if there is none.

        A stream is returned once its first event has arrived.
        """
        raise NotImplementedError


class CanonicalProvider(Provider):
    """A provider without a wire protocol: it receives and returns canonical messages.

    The request's `model` is the target's, without the provider's name.
    """

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether it handles the operation of the endpoint's dialect."""
        return self._answers(endpoint.dialect)

    def _answers(self, dialect: Dialect) -> bool:
        own, base = (getattr(kind, dialect.canonical) for kind in (type(self), CanonicalProvider))
        return dialect.translates and own is not base

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        """Answer a conversation as a whole."""
        raise NotImplementedError

    def stream_chat(
        self, request: ChatRequest, exchange: Exchange
    ) -> AsyncIterator[Sequence[StreamEvent]]:
        """Answer a conversation as a stream; each item is a batch of events, the last is Ended."""
        raise NotImplementedError

    async def embeddings(
        self, request: EmbeddingsRequest, exchange: Exchange
    ) -> EmbeddingsResponse:
        """Answer with a vector for each input."""
        raise NotImplementedError

    async def rerank(self, request: RerankRequest, exchange: Exchange) -> RerankResponse:
        """Answer with the documents, best first."""
        raise NotImplementedError

    async def count_tokens(self, request: ChatRequest, exchange: Exchange) -> TokenCount:
        """Answer with the number of tokens in a conversation."""
        raise NotImplementedError

    async def start(self, setup: Setup) -> None:
        """Adopt the deadlines that apply to every provider."""
        self._timeouts = setup.settings.upstream.timeouts
        await super().start(setup)

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """Pass on the canonical request and render the answer, within the deadlines."""
        if not self._answers(exchange.dialect):
            raise self.not_served(exchange, target)
        request = _translation.addressed(exchange.canonical(), target.model)
        if exchange.stream and isinstance(request, ChatRequest):
            batches = in_time(self.stream_chat(request, exchange), self._timeouts, self.name)
            return await _translation.canonical_stream(exchange, batches, self.name)
        seconds = self._timeouts.first_byte
        try:
            async with asyncio.timeout(seconds):
                answer = getattr(self, exchange.dialect.canonical)
                return _translation.whole(exchange, await answer(request, exchange))
        except TimeoutError as error:
            raise ProviderTimeout("answer", seconds, provider=self.name) from error


async def in_time(
    batches: AsyncIterator[Sequence[StreamEvent]], timeouts: Timeouts, provider: str
) -> AsyncIterator[Sequence[StreamEvent]]:
    """The same batches; ProviderTimeout if one is late or the whole takes too long."""
    seconds, ends = timeouts.first_byte, time.monotonic() + timeouts.total
    try:
        while True:
            async with asyncio.timeout(min(seconds, ends - time.monotonic())):
                batch = await anext(batches, None)
            if batch is None:
                return
            yield batch
            seconds = timeouts.between_events
    except TimeoutError as error:
        raise ProviderTimeout("send the next event", seconds, provider=provider) from error
    finally:
        if (close := getattr(batches, "aclose", None)) is not None:
            await close()
