"""The provider of Mistral's API and compatible servers."""

from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar

import msgspec
from attrs import frozen

from jackfield import Endpoint, Exchange, Response
from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.errors import ProviderUnavailable
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.plan import Target
from jackfield.proofs import without_sealed_signatures
from jackfield.providers import ModelInfo

from . import openai_endpoints
from .endpoints import CHAT, EMBEDDINGS, PATHS, RESOURCE, endpoints
from .failures import UNREADABLE
from .openai_endpoints import OPENAI


class Mistral(HttpProvider):
    """Mistral's API and compatible servers."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "mistral"`."""

        base_url: str = option("https://api.mistral.ai", "The URL of the API, without `/v1`.")

    dialects: ClassVar[tuple[Dialect, ...]] = (CHAT, EMBEDDINGS, RESOURCE, OPENAI)
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset({"accept"})

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, without what the gateway added to an earlier answer."""
        body = super().outgoing_body(exchange, model)
        return without_sealed_signatures(body) if exchange.dialect is CHAT else body

    def serves(self, endpoint: Endpoint) -> bool:
        """Of OpenAI's other endpoints, those that the API has too."""
        if endpoint.dialect is OPENAI and not openai_endpoints.may_be_served(endpoint):
            return False
        return super().serves(endpoint)

    def call(self, exchange: Exchange, target: Target) -> Coroutine[Any, Any, Response]:
        """One attempt."""
        ask = self._call_for_openai if exchange.dialect is OPENAI else super().call
        return ask(exchange, target)

    async def _call_for_openai(self, exchange: Exchange, target: Target) -> Response:
        if openai_endpoints.path_of(exchange) is None:
            raise self.not_served(exchange, target)
        response = await super().call(exchange, target)
        return openai_endpoints.openai_response(exchange, response)

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path of the API, which below `/mistral` is the client's own."""
        path = openai_endpoints.path_of(exchange) if dialect is OPENAI else None
        return path or super().upstream_path(dialect, exchange, model)

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that `GET /v1/models` lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        body = await self.fetch("GET", "/v1/models")
        try:
            listed = msgspec.json.decode(body, type=_Models)
        except UNREADABLE as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        return [
            ModelInfo(model.id, model.owned_by or self.name, model.created or 0)
            for model in listed.data
        ]


class _Model(msgspec.Struct):
    id: str
    owned_by: str | None = None
    created: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model]
