"""The provider of Cohere's API and compatible servers."""

from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from attrs import frozen

from jackfield import Endpoint, Exchange, Response
from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.errors import ProviderUnavailable
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.plan import Target
from jackfield.proofs import without_sealed_signatures
from jackfield.providers import ModelInfo

from . import openai_endpoints
from .endpoints import CHAT, COUNT_TOKENS, EMBEDDINGS, PATHS, RERANK, RESOURCE, endpoints
from .openai_endpoints import OPENAI

_MOST_PAGES = 20


class Cohere(HttpProvider):
    """Cohere's API and compatible servers."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "cohere"`."""

        base_url: str = option("https://api.cohere.com", "The URL of the API, without `/v2`.")

    dialects: ClassVar[tuple[Dialect, ...]] = (
        *(CHAT, EMBEDDINGS, RERANK, COUNT_TOKENS, RESOURCE),
        OPENAI,
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset({"accept", "x-client-name"})

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, without what the gateway added to an earlier answer."""
        body = super().outgoing_body(exchange, model)
        if exchange.dialect is OPENAI:
            return openai_endpoints.cohere_form(body, exchange.request.headers["content-type"])
        return without_sealed_signatures(body) if exchange.dialect is CHAT else body

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Fields of OpenAI's form that Cohere does not know."""
        return openai_endpoints.losses_of(exchange) if exchange.dialect is OPENAI else ()

    def serves(self, endpoint: Endpoint) -> bool:
        """Of OpenAI's other endpoints, those for audio."""
        if endpoint.dialect is OPENAI and not openai_endpoints.may_be_served(endpoint):
            return False
        return super().serves(endpoint)

    def call(self, exchange: Exchange, target: Target) -> Coroutine[Any, Any, Response]:
        """One attempt."""
        ask = self._call_for_openai if exchange.dialect is OPENAI else super().call
        return ask(exchange, target)

    async def _call_for_openai(self, exchange: Exchange, target: Target) -> Response:
        if not openai_endpoints.is_served(exchange):
            raise self.not_served(exchange, target)
        openai_endpoints.check(exchange)
        response = await super().call(exchange, target)
        return openai_endpoints.openai_response(exchange, response)

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path of the API, which below `/cohere` is the client's own."""
        if dialect is OPENAI:
            return openai_endpoints.PATH
        return super().upstream_path(dialect, exchange, model)

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that `GET /v1/models` lists, page by page."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        found: list[ModelInfo] = []
        path = "/v1/models?page_size=1000"
        for _ in range(_MOST_PAGES):
            body = await self.fetch("GET", path)
            try:
                page = msgspec.json.decode(body, type=_Models)
            except msgspec.MsgspecError as error:
                raise ProviderUnavailable("Its list of models cannot be read.") from error
            found += [ModelInfo(model.name, self.name) for model in page.models]
            if not page.next_page_token:
                break
            path = f"/v1/models?page_size=1000&page_token={quote(page.next_page_token)}"
        return found


class _Model(msgspec.Struct):
    name: str


class _Models(msgspec.Struct):
    models: list[_Model]
    next_page_token: str | None = None
