"""The provider of an Ollama server, local, remote or ollama.com."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
from attrs import frozen

from jackfield.config import option
from jackfield.dialects import Dialect, installed
from jackfield.endpoints import Endpoint
from jackfield.errors import ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.providers import ModelInfo

from .endpoints import (
    CHAT,
    EMBEDDINGS,
    GENERATE,
    NATIVE,
    OPENAI,
    OPENAI_RESOURCE,
    RESOURCE,
    V1,
    endpoints,
)
from .moments import to_seconds

_OWN = (CHAT, GENERATE, EMBEDDINGS, RESOURCE)
_LATEST = ":latest"


class Ollama(HttpProvider):
    """Ollama, in its own dialects and in OpenAI's."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "ollama"`."""

        base_url: str = option("http://localhost:11434", "The URL of the server, without `/api`.")

    dialects: ClassVar[tuple[Dialect, ...]] = (
        *_OWN,
        *map(installed, OPENAI),
        installed(OPENAI_RESOURCE),
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = NATIVE | OPENAI
    forward: ClassVar[frozenset[str]] = frozenset({"accept"})

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The usual path, with OpenAI's dialects below `/v1` of the same server."""
        path = super().upstream_path(dialect, exchange, model)
        return path if dialect in _OWN else V1 + path

    def lists(self, model: str) -> bool:
        """Whether the configuration names the model; the tag `latest` may be left out of either."""
        same = {model, model + _LATEST, model.removesuffix(_LATEST)}
        return not same.isdisjoint(self.config.models)

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that `GET /api/tags` lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        body = await self.fetch("GET", "/api/tags")
        try:
            listed = msgspec.json.decode(body, type=_Tags)
        except msgspec.MsgspecError as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        return [_info(model, self.name) for model in listed.models or ()]


class _Tag(msgspec.Struct):
    name: str
    modified_at: str | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None = None


def _info(tag: _Tag, provider: str) -> ModelInfo:
    return ModelInfo(tag.name.removesuffix(_LATEST), provider, to_seconds(tag.modified_at) or 0)
