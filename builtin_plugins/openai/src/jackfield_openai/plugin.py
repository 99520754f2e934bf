"""The provider: any API that speaks OpenAI's dialects, by its base URL."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from attrs import frozen

from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.errors import ProviderUnavailable
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.providers import ModelInfo

from .endpoints import CHAT, COMPLETIONS, EMBEDDINGS, PATHS, RESOURCE, RESPONSES, endpoints


class OpenAI(HttpProvider):
    """OpenAI, and whatever is compatible with it: `base_url` says where."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "openai"`."""

        base_url: str = option(
            "https://api.openai.com/v1", "The address of the API, with its `/v1`."
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS, RESOURCE)
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset(
        {"accept", "idempotency-key", "openai-beta", "openai-organization", "openai-project"}
    )

    async def models(self) -> Sequence[ModelInfo]:
        """Those in the configuration, or else what `GET /models` lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        body = await self.fetch("GET", "/models")
        try:
            listed = msgspec.json.decode(body, type=_Models)
        except msgspec.MsgspecError as error:
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
