"""The provider of Mistral's API and compatible servers."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from attrs import frozen

from jackfield import Endpoint, Exchange
from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.errors import ProviderUnavailable
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.proofs import without_sealed_signatures
from jackfield.providers import ModelInfo

from .endpoints import CHAT, EMBEDDINGS, PATHS, RESOURCE, endpoints
from .failures import UNREADABLE


class Mistral(HttpProvider):
    """Mistral's API and compatible servers."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "mistral"`."""

        base_url: str = option("https://api.mistral.ai", "The URL of the API, without `/v1`.")

    dialects: ClassVar[tuple[Dialect, ...]] = (CHAT, EMBEDDINGS, RESOURCE)
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset({"accept"})

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, without what the gateway added to an earlier answer."""
        body = super().outgoing_body(exchange, model)
        return without_sealed_signatures(body) if exchange.dialect is CHAT else body

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
