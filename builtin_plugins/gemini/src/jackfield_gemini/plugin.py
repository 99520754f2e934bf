"""The provider of Google's Gemini API."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec
from attrs import frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import InvalidRequest, ProviderError, ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.messages import chat_of
from jackfield.plan import Target
from jackfield.providers import ModelInfo
from jackfield.realtime import RealtimeConfig, RealtimeProvider
from jackfield.response import Response
from jackfield.secrets import Secret
from jackfield.setup import Setup

from . import openai_endpoints, uploads
from .endpoints import (
    COUNT_TOKENS,
    EMBEDDINGS,
    GENERATE,
    GENERATE_ARRAY,
    PREFIX,
    RESOURCE,
    endpoints,
)
from .fields import UNREADABLE
from .live import LIVE
from .openai_endpoints import OPENAI
from .signatures import SEALED

_NOT_REPLAYED: Final = Loss("reasoning.replay", "contents", "dropped", "thoughts of another vendor")
_CONVERSATIONS: Final = (GENERATE, GENERATE_ARRAY, COUNT_TOKENS)
_VERSION: Final = "/v1beta"
_STREAM: Final = _VERSION + "/models/{model*}:streamGenerateContent"


class Gemini(RealtimeProvider):
    """The Gemini API. `base_url` has no version: the client's path names it."""

    @frozen
    class Config(RealtimeConfig):
        """`[providers.NAME]` with `use = "gemini"`."""

        base_url: str = option(
            "https://generativelanguage.googleapis.com", "The URL of the API, without version."
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (
        GENERATE,
        GENERATE_ARRAY,
        EMBEDDINGS,
        COUNT_TOKENS,
        RESOURCE,
        uploads.UPLOAD,
        LIVE,
        OPENAI,
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = {
        GENERATE.name: _VERSION + "/models/{model*}:generateContent",
        EMBEDDINGS.name: _VERSION + "/models/{model*}:batchEmbedContents",
        COUNT_TOKENS.name: _VERSION + "/models/{model*}:countTokens",
    }
    forward: ClassVar[frozenset[str]] = uploads.REQUEST_HEADERS | {"accept", "api-revision"}
    answer_headers: ClassVar[frozenset[str]] = uploads.ANSWER_HEADERS | {
        *("accept-ranges", "content-range", "etag")
    }

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._scheme = "http"

    async def start(self, setup: Setup) -> None:
        """Learn the URL under which clients reach the gateway."""
        server = setup.settings.server
        self._scheme = "https" if server.tls is not None or server.behind_proxy else "http"
        await super().start(setup)

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """Google's header for API keys."""
        return [("x-goog-api-key", secret.reveal())] if secret else []

    def request_headers(self, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """The part of a file that a client downloads."""
        if exchange.request.method != "GET":
            return ()
        headers = exchange.request.headers
        return [(name, headers[name]) for name in ("range", "if-range") if name in headers]

    def serves(self, endpoint: Endpoint) -> bool:
        """Of OpenAI's other endpoints, those that Google's models can serve."""
        if endpoint.dialect is OPENAI and not openai_endpoints.may_be_served(endpoint):
            return False
        return super().serves(endpoint)

    def losses(self, exchange: Exchange, target: Target) -> tuple[Loss, ...]:
        """What the target would lose of the request."""
        if exchange.dialect is not OPENAI:
            return super().losses(exchange, target)
        try:
            sent = openai_endpoints.media_request_of(exchange, target.model)
        except InvalidRequest:  # which the attempt will raise
            return ()
        return sent.losses if sent is not None else ()

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, or a body without another vendor's thoughts."""
        if not self.left_out(exchange, model):
            return super().outgoing_body(exchange, model)
        request = replace(chat_of(exchange.canonical()), model=model)
        return exchange.dialect.render_request(request).body

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Thoughts of another vendor that served the conversation, which Google cannot verify."""
        foreign = exchange.dialect in _CONVERSATIONS and SEALED in exchange.request.body
        return (_NOT_REPLAYED,) if foreign else ()

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt. An invalid key is the gateway's problem, although Google answers 400."""
        if exchange.dialect is OPENAI:
            return await self._call_for_openai(exchange, target)
        try:
            return self._at_home(exchange, await super().call(exchange, target))
        except ProviderError as error:
            if error.error_code != "API_KEY_INVALID":
                raise
            raise ProviderError(
                "The provider refused the gateway's credentials; check the provider's keys.",
                provider=self.name,
            ) from error

    async def _call_for_openai(self, exchange: Exchange, target: Target) -> Response:
        sent = openai_endpoints.media_request_of(exchange, target.model)
        if sent is None:
            raise self.not_served(exchange, target)
        inner = sent.exchange_for(exchange)
        try:
            response = await self.call(inner, target)
        except ProviderError as error:
            error.body = None  # it is in Google's form
            raise
        exchange.tap, exchange.losses = inner.tap, sent.losses
        return sent.openai_response(response, self.name)

    def _at_home(self, exchange: Exchange, response: Response) -> Response:
        """The answer, with its upload URLs replaced by URLs of the gateway."""
        if not response.headers:
            return response
        host = exchange.request.headers.get("host", "")
        door = uploads.door_of(self._scheme, host, PREFIX, self.name)
        headers = uploads.redirected(response.headers, self.config.base_url, door)
        return response if headers is response.headers else replace(response, headers=headers)

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The client's own path, or that of a translated request, which streams as events.

        A client of Vertex AI uses the same dialect at other paths, including its query.
        """
        endpoint, same = exchange.endpoint, dialect is exchange.dialect
        if same and endpoint.upstream is not None and endpoint.path.startswith(PREFIX):
            return endpoint.upstream
        if dialect.name == GENERATE.name and exchange.stream:
            return _STREAM if same else _STREAM + "?alt=sse"
        return self.paths[dialect.name]

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that the API lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        path = _VERSION + "/models?pageSize=1000"
        try:
            listed = msgspec.json.decode(await self.fetch("GET", path), type=_Models)
        except UNREADABLE as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        names = [model.name.removeprefix("models/") for model in listed.models]
        return [ModelInfo(name, "google") for name in names]


class _Model(msgspec.Struct):
    name: str


class _Models(msgspec.Struct):
    models: list[_Model] = []
