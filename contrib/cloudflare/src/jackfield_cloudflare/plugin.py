"""The provider of the models that Cloudflare runs for one account."""

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

import msgspec
from attrs import frozen

from jackfield import Endpoint, Exchange, ProviderError, option
from jackfield.dialects import Dialect, installed
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.providers import ModelInfo

from .rerank import RERANK
from .run import RUN

_RUN = "/run/{model*}"
_OPENAI: Mapping[str, str] = {
    "openai.chat": "/chat/completions",
    "openai.embeddings": "/embeddings",
}
"""The paths of OpenAI's dialects below `/v1`."""


class Cloudflare(HttpProvider):
    """Workers AI: OpenAI's dialects where supported, and each model's own input."""

    @frozen
    class Config(HttpConfig):
        """`[providers.cloudflare]`."""

        account: str = option(doc="The id of the account.")
        base_url: str = option("https://api.cloudflare.com/client/v4", "The URL of the API.")

    dialects: ClassVar[tuple[Dialect, ...]] = (*map(installed, _OPENAI), RERANK, RUN)
    paths: ClassVar[Mapping[str, str]] = {**_OPENAI, RERANK.name: _RUN}
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint(
            "POST",
            "/cloudflare/accounts/{account}/ai/run/{model*}",
            RUN,
            "run",
            "inference",
            _RUN,
        ),
    )

    config: Config

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path below the account; OpenAI's dialects are below its `/v1`."""
        path = super().upstream_path(dialect, exchange, model)
        return self._account_path(f"/v1{path}" if dialect.name in _OPENAI else path)

    def _account_path(self, path: str) -> str:
        return f"/accounts/{quote(self.config.account, safe='')}/ai{path}"

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that Cloudflare runs."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        body = await self.fetch("GET", self._account_path("/models/search?per_page=1000"))
        try:
            listing = msgspec.json.decode(body, type=_ModelList)
        except msgspec.MsgspecError as error:
            raise ProviderError(f"{self.name} does not say which models it has.") from error
        return [ModelInfo(one.name, one.owner or self.name) for one in listing.result]


class _Model(msgspec.Struct):
    name: str

    @property
    def owner(self) -> str:
        """The model's owner: `meta` in `@cf/meta/llama-3.1-8b-instruct`."""
        return self.name.rpartition("/")[0].rpartition("/")[2]


class _ModelList(msgspec.Struct):
    result: list[_Model]
