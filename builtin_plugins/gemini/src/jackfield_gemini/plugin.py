"""The provider: Google's Gemini API."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec
from attrs import frozen

from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.errors import ProviderError, ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.plan import Target
from jackfield.providers import ModelInfo
from jackfield.response import Response
from jackfield.secrets import Secret

from .endpoints import (
    COUNT_TOKENS,
    EMBEDDINGS,
    GENERATE,
    GENERATE_ARRAY,
    PREFIX,
    RESOURCE,
    endpoints,
)

_VERSION: Final = "/v1beta"
_STREAM: Final = _VERSION + "/models/{model*}:streamGenerateContent"
_UPLOAD_HEADERS: Final = (
    "x-goog-upload-command",
    "x-goog-upload-file-name",
    "x-goog-upload-header-content-length",
    "x-goog-upload-header-content-type",
    "x-goog-upload-offset",
    "x-goog-upload-protocol",
)


class Gemini(HttpProvider):
    """The Gemini API; `base_url` has no version: the client's path names it."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "gemini"`."""

        base_url: str = option(
            "https://generativelanguage.googleapis.com", "The address of the API, without version."
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (
        GENERATE,
        GENERATE_ARRAY,
        EMBEDDINGS,
        COUNT_TOKENS,
        RESOURCE,
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = {
        GENERATE.name: _VERSION + "/models/{model*}:generateContent",
        EMBEDDINGS.name: _VERSION + "/models/{model*}:batchEmbedContents",
        COUNT_TOKENS.name: _VERSION + "/models/{model*}:countTokens",
    }
    forward: ClassVar[frozenset[str]] = frozenset({"accept", "api-revision", *_UPLOAD_HEADERS})

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """Google's header for API keys."""
        return [("x-goog-api-key", secret.reveal())] if secret else []

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt. A key that Google does not know is our trouble, though it answers 400."""
        try:
            return await super().call(exchange, target)
        except ProviderError as error:
            if error.error_code != "API_KEY_INVALID":
                raise
            raise ProviderError(
                "The provider refused the gateway's credentials; check the provider's keys.",
                provider=self.name,
            ) from error

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The client's own path, or that of a translated request, which streams as events.

        A client of Vertex AI speaks the same dialect at other paths, its query included.
        """
        endpoint, same = exchange.endpoint, dialect is exchange.dialect
        if same and endpoint.upstream is not None and endpoint.path.startswith(PREFIX):
            return endpoint.upstream
        if dialect.name == GENERATE.name and exchange.stream:
            return _STREAM if same else _STREAM + "?alt=sse"
        return self.paths[dialect.name]

    async def models(self) -> Sequence[ModelInfo]:
        """Those in the configuration, or else what the API lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        path = _VERSION + "/models?pageSize=1000"
        try:
            listed = msgspec.json.decode(await self.fetch("GET", path), type=_Models)
        except msgspec.MsgspecError as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        names = [model.name.removeprefix("models/") for model in listed.models]
        return [ModelInfo(name, "google") for name in names]


class _Model(msgspec.Struct):
    name: str


class _Models(msgspec.Struct):
    models: list[_Model] = []
