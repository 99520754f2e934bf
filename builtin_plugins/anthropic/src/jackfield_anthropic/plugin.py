"""The provider of Anthropic's API and compatible APIs."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from attrs import frozen

from jackfield import Exchange, InvalidRequest, Response, Secret, Target
from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import ProviderUnavailable
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.messages import ChatRequest
from jackfield.providers import ModelInfo
from jackfield.setup import Setup

from . import batches
from .endpoints import COUNT_TOKENS, MESSAGES, PATHS, RESOURCE, endpoints
from .fields import own
from .messages_native import leaves_out, native_body
from .messages_request import BETAS

VERSION = "2023-06-01"
"""The default version of the API."""

_NOT_REPLAYED = Loss("reasoning.replay", "messages", "dropped", "thoughts of another vendor")
_CONVERSATIONS = (MESSAGES, COUNT_TOKENS)
_CLOUDS = MESSAGES.name + "@"
"""The prefix of the names of the dialect's cloud variants."""
_HEADER = "anthropic-version"
_VALUE = re.compile(r"[0-9A-Za-z.-]{1,64}")


class Anthropic(HttpProvider):
    """Anthropic and compatible APIs, selected by `base_url`."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "anthropic"`."""

        base_url: str = option(
            "https://api.anthropic.com", "The URL of the API, without its `/v1`."
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (MESSAGES, COUNT_TOKENS, RESOURCE)
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset(
        {"accept", "anthropic-beta", "anthropic-user-profile-id", "idempotency-key"}
    )

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
        """Anthropic's own header for the key."""
        return [("x-api-key", secret.reveal())] if secret else []

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, without another vendor's earlier thoughts."""
        body = super().outgoing_body(exchange, model)
        return native_body(body) if exchange.dialect in _CONVERSATIONS else body

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt; the URLs of a batch's results point to the gateway."""
        response = await super().call(exchange, target)
        return (
            self._with_client_urls(exchange, response)
            if exchange.operation == "batches"
            else response
        )

    def _with_client_urls(self, exchange: Exchange, response: Response) -> Response:
        """The answer with URLs of results pointing to the gateway; results are unchanged."""
        body, request = response.body, exchange.request
        if not isinstance(body, bytes) or not response.content_type.startswith("application/json"):
            return response
        client_url = batches.client_base_url(
            self._scheme, request.headers.get("host", ""), request.path
        )
        if client_url is None:
            return response
        return response.with_body(batches.with_client_urls(body, self.config.base_url, client_url))

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Another vendor's earlier thoughts."""
        foreign = exchange.dialect in _CONVERSATIONS and leaves_out(exchange.request.body)
        return (_NOT_REPLAYED,) if foreign else ()

    def request_headers(self, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """The required API version, and the betas of a cloud variant's body."""
        version = exchange.request.headers.get(_HEADER, VERSION)
        if version != VERSION and not _VALUE.fullmatch(version):
            raise InvalidRequest(f"'{version[:64]}' is not a version of the API.", param=_HEADER)
        betas = _betas_of(exchange)
        return [(_HEADER, version), *([("anthropic-beta", ",".join(betas))] if betas else [])]

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that `GET /v1/models` lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        body = await self.fetch("GET", "/v1/models?limit=1000", headers=[(_HEADER, VERSION)])
        try:
            listed = msgspec.json.decode(body, type=_Models)
        except msgspec.MsgspecError as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        return [ModelInfo(model.id, self.name, _seconds(model.created_at)) for model in listed.data]


def _betas_of(exchange: Exchange) -> list[str]:
    """Beta features in the body of a cloud variant of the dialect."""
    if not exchange.dialect.name.startswith(_CLOUDS):
        return []
    request = exchange.canonical()
    betas = own(request.extensions).get(BETAS) if isinstance(request, ChatRequest) else None
    return [
        beta
        for beta in (betas if isinstance(betas, list) else [])
        if isinstance(beta, str) and _VALUE.fullmatch(beta)
    ]


def _seconds(created: datetime | None) -> int:
    return max(int(created.timestamp()), 0) if created is not None else 0


class _Model(msgspec.Struct):
    id: str
    created_at: datetime | None = None


class _Models(msgspec.Struct):
    data: list[_Model]
