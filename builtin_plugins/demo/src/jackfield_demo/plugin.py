"""The provider `demo`."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from attrs import frozen
from attrs.validators import ge

from jackfield.config import option
from jackfield.errors import InvalidRequest, LossRefused, ProviderError, ProviderUnavailable
from jackfield.events import Finished, StreamEvent
from jackfield.exchange import Exchange
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    EmbeddingsRequest,
    EmbeddingsResponse,
    Usage,
)
from jackfield.providers import CanonicalProvider, ModelInfo

from . import catalogue
from .answers import answer
from .conversation import Conversation, read_conversation
from .embeddings import DIMENSIONS, MOST_DIMENSIONS, MOST_TOKENS, vector_of
from .instructions import Instructions, split_words, words_in
from .stream import DELTAS, events_of
from .tokens import count

_SLOW_PACE = 4.0  # tokens per second of the model `slow`
_RETRY_AFTER = 1.0  # seconds
_NO_STATE = (
    "The demo keeps no earlier turns (conversation.server_state): send the whole conversation."
)
_CUT = "The demo cut the connection, as the request told it to."


class Demo(CanonicalProvider):
    """A provider that needs no key and no network; equal requests get equal answers.

    If no other provider is configured, it answers for every model named without a provider, so that
    a program that asks for a vendor's model runs unchanged; but not for one of an unknown provider.
    """

    bare_names = "last"

    @frozen
    class Config:
        """`[providers.demo]`."""

        tokens_per_second: float = option(
            60.0, "The pace of streams; 0 is as fast as possible.", validator=ge(0)
        )

    async def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo(model, owned_by="jackfield") for model in catalogue.ALL]

    def lists(self, model: str) -> bool:
        return model in catalogue.ALL

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        base, instructions, conversation = _read(request, exchange)
        await self._apply(instructions)
        response = _answer(base, request, conversation, exchange)
        if instructions.stall:
            await _wait_forever()
        if instructions.cut is not None:
            raise ProviderUnavailable(_CUT, provider=self.name)
        if base == "slow" and response.usage is not None:
            await asyncio.sleep(response.usage.output_tokens / _SLOW_PACE)
        return response

    async def stream_chat(
        self, request: ChatRequest, exchange: Exchange
    ) -> AsyncIterator[Sequence[StreamEvent]]:
        base, instructions, conversation = _read(request, exchange)
        await self._apply(instructions)
        response = _answer(base, request, conversation, exchange)
        pace = _SLOW_PACE if base == "slow" else self.config.tokens_per_second
        began, deltas = time.monotonic(), 0
        for event in events_of(response):
            is_delta = isinstance(event, DELTAS)
            is_finished = isinstance(event, Finished)
            if instructions.cut is not None and (
                is_finished or (is_delta and deltas == instructions.cut)
            ):
                return
            if instructions.stall and (is_finished or (is_delta and deltas)):
                await _wait_forever()
            if is_delta:
                if pace and deltas:
                    await asyncio.sleep(began + deltas / pace - time.monotonic())
                deltas += 1
            yield (event,)

    async def embeddings(
        self, request: EmbeddingsRequest, exchange: Exchange
    ) -> EmbeddingsResponse:
        is_fallback = exchange.model == request.model
        instructions = catalogue.read_embedding_model(request.model, is_fallback=is_fallback)
        await self._apply(instructions)
        if instructions.stall:
            await _wait_forever()
        dimensions = DIMENSIONS if request.dimensions is None else request.dimensions
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise InvalidRequest(
                f"dimensions must be between 1 and {MOST_DIMENSIONS}.", param="dimensions"
            )
        tokens = [count(one) if isinstance(one, str) else len(one) for one in request.inputs]
        if max(tokens, default=0) > MOST_TOKENS:
            raise InvalidRequest(f"An input has more than {MOST_TOKENS} tokens.", param="input")
        vectors = []
        for one in request.inputs:
            vectors.append(vector_of(one, dimensions))
            await asyncio.sleep(0)
        return EmbeddingsResponse(request.model, tuple(vectors), Usage(input_tokens=sum(tokens)))

    async def _apply(self, instructions: Instructions) -> None:
        if instructions.delay:
            await asyncio.sleep(instructions.delay)
        if instructions.status is not None:
            raise ProviderError(
                f"The demo answers with status {instructions.status}, as the request told it to.",
                provider=self.name,
                upstream_status=instructions.status,
                retry_after=_RETRY_AFTER if instructions.status == 429 else None,
            )


def _read(request: ChatRequest, exchange: Exchange) -> tuple[str, Instructions, Conversation]:
    if request.server_state is not None:
        raise LossRefused(_NO_STATE)
    is_fallback = exchange.model == request.model
    base, instructions = catalogue.read_chat_model(request.model, is_fallback=is_fallback)
    conversation = read_conversation(request)
    in_metadata = (request.metadata or {}).get("demo")
    words = words_in(conversation.raw_message)
    words += split_words(in_metadata) if isinstance(in_metadata, str) else []
    try:
        return base, instructions.extended_by(words), conversation
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _answer(
    base: str, request: ChatRequest, conversation: Conversation, exchange: Exchange
) -> ChatResponse:
    id_ = f"demo-{exchange.id}"
    return answer(base, request, conversation, id=id_, created=int(time.time()))


async def _wait_forever() -> None:
    await asyncio.Event().wait()
