"""The provider of Gemini, Claude and open models on Vertex AI."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import ConfigError, ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.messages import chat_of
from jackfield.proofs import MARK
from jackfield.providers import ModelInfo
from jackfield.secrets import Secret
from jackfield.setup import Setup
from jackfield.tokens import Tokens

from .address import (
    ANTHROPIC,
    COUNT_TOKENS,
    GOOGLE,
    OPEN_MODELS,
    OWN_PROJECT,
    at_model,
    at_project,
    host_of,
    is_open,
    named_at_project,
)
from .betas import known_betas
from .credentials import CredentialsTable
from .endpoints import (
    CHAT,
    CLAUDE,
    CLAUDE_COUNT,
    EMBEDDINGS,
    GENERATE,
    GENERATE_ARRAY,
    GOOGLE_COUNT,
    GOOGLE_EMBEDDINGS,
    PREFIX,
    RESOURCE,
    endpoints,
)

if TYPE_CHECKING:
    from .identity import Identity
    from .transport import Origin

_GOOGLES = f"/v1/{OWN_PROJECT}{GOOGLE}"
_CLAUDES = f"/v1/{OWN_PROJECT}{ANTHROPIC}"
_CONVERSATIONS = (GENERATE, GENERATE_ARRAY, GOOGLE_COUNT, CLAUDE, CLAUDE_COUNT)
_NOT_REPLAYED = Loss("reasoning.replay", "messages", "dropped", "thoughts of another vendor")
_SEALED = (b'"' + MARK.encode(), b'"' + b64encode(MARK.encode())[: len(MARK) * 8 // 6])
"""The prefixes of sealed proofs from Anthropic's clients and from Google's."""

_BETA = "anthropic-beta"

_METADATA = ("http://metadata.google.internal", "http://169.254.169.254")
_MARGIN = 240.0
"""Seconds before expiry at which a token is renewed; the metadata server issues none earlier.

Source: "Access tokens" in the documentation of Compute Engine.
"""


class Vertex(HttpProvider):
    """Vertex AI. Requests use the provider's own project, whatever a client's path names."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "vertex"`."""

        base_url: str = option("", "The URL of the API; by default that of the location.")
        project: str | None = option(None, "The project; by default that of the credentials.")
        location: str | None = option(None, "The region, as in `us-central1`, or `global`.")
        credentials: CredentialsTable = option(
            CredentialsTable(),
            "The gateway's identity; by default the Application Default Credentials.",
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (
        *(GENERATE, GENERATE_ARRAY, GOOGLE_COUNT, EMBEDDINGS, GOOGLE_EMBEDDINGS),
        *(CLAUDE, CLAUDE_COUNT, CHAT, RESOURCE),
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = {
        GENERATE.name: f"{_GOOGLES}:generateContent",
        GOOGLE_COUNT.name: f"{_GOOGLES}:countTokens",
        EMBEDDINGS.name: f"{_GOOGLES}:predict",
        GOOGLE_EMBEDDINGS.name: f"{_GOOGLES}:batchEmbedContents",
        CLAUDE.name: f"{_CLAUDES}:rawPredict",
        CLAUDE_COUNT.name: f"/v1/{OWN_PROJECT}{COUNT_TOKENS}",
        CHAT.name: f"/v1/{OWN_PROJECT}{OPEN_MODELS}",
    }
    forward: ClassVar[frozenset[str]] = frozenset({"accept", "x-vertex-ai-llm-request-type"})

    config: Config

    def __init__(self, config: Config) -> None:
        problems = _problems(config)
        if problems:
            raise ValueError("; ".join(problems))
        bearer = config.credentials.bearer
        self._express = bool(config.keys)
        super().__init__(
            evolve(
                config,
                base_url=config.base_url or host_of(config.location or "global"),
                keys=config.keys if bearer is None else (bearer,),
            )
        )
        self._project = config.project
        self._identity: Identity | None = None
        self._tokens: Tokens | None = None

    async def start(self, setup: Setup) -> None:
        """Find the gateway's identity. Raises ConfigError if none is configured."""
        if not self.config.keys:
            # Google's library is slow to import, and not needed to offer only the endpoints.
            from .identity import identify  # noqa: PLC0415

            table, connect = self.config.credentials, partial(self._token_server, setup)
            self._identity = await identify(self.name, table, setup, connect)
            self._tokens = Tokens(self._identity.fetch, self.hide, _MARGIN)
            self._project = self._project or self._identity.project
        if self._project is None and not self._express:
            problem = "it needs `project`, the id of a Google Cloud project"
            raise ConfigError([f"providers.{self.name}: {problem}"])
        await super().start(setup)

    async def stop(self) -> None:
        """Cancel background work."""
        if self._identity is not None:
            self._identity.stop()
        if self._tokens is not None:
            await self._tokens.stop()
        await super().stop()

    def _token_server(self, setup: Setup, server: str) -> "Origin":
        # The metadata server uses plain HTTP, on a link-local network.
        origin: Origin = setup.origin(
            f"{self.name}.auth",
            server,
            timeouts=self.config.timeouts,
            allow_http=self.config.allow_http or server in _METADATA,
        )
        return origin

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """The header for an API key (express mode) or for a bearer token."""
        if secret is None:
            return []
        if self._express:
            return [("x-goog-api-key", secret.reveal())]
        return super().authorize(secret)

    async def sign(
        self, method: str, url: str, body: bytes, secret: Secret | None
    ) -> Sequence[tuple[str, str]]:
        """The current token, if there is no key."""
        if self._tokens is None or self._identity is None:
            return ()
        headers = [("Authorization", f"Bearer {await self._tokens.take()}")]
        if self._identity.quota_project:
            headers.append(("x-goog-user-project", self._identity.quota_project))
        return headers

    def refused(self, headers: Sequence[tuple[str, str]], status: int, body: bytes) -> bool:
        """Whether a token that was revoked early is replaced by another."""
        token = dict(headers).get("Authorization", "").removeprefix("Bearer ")
        return status == 401 and self._tokens is not None and self._tokens.forget(token)

    def request_headers(self, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """The betas that Anthropic's clients name, as far as Vertex AI knows them."""
        named = exchange.request.headers.get(_BETA)
        if named is None:
            return ()
        if not exchange.endpoint.path.startswith(PREFIX):
            counts = exchange.operation == CLAUDE_COUNT.operation  # which knows none
            named = "" if counts else known_betas(named)
        return [(_BETA, named)] if named else ()

    def speaks(self, dialect: Dialect, model: str) -> bool:
        """Claude supports Anthropic's dialects, open models OpenAI's, all others Google's.

        Gemini embeds contents, other models texts.
        """
        if dialect is RESOURCE:
            return True
        if dialect is CHAT or is_open(model):
            return dialect is CHAT and is_open(model)
        if (dialect in (CLAUDE, CLAUDE_COUNT)) is not model.startswith("claude"):
            return False
        if dialect is EMBEDDINGS:
            return not _embeds_contents(model)
        return dialect is not GOOGLE_EMBEDDINGS or "gemini" in model

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, with the provider's project and without foreign thoughts."""
        if not self.left_out(exchange, model):
            body = super().outgoing_body(exchange, model)
            project, location = self._project, self.config.location
            if exchange.dialect is not RESOURCE or project is None or location is None:
                return body
            return named_at_project(body, project, location, self.name)
        chat = replace(chat_of(exchange.canonical()), model=model)
        return exchange.dialect.render_request(chat).body

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Thoughts of another vendor that served the conversation: Vertex AI cannot verify them."""
        body = exchange.request.body
        foreign = exchange.dialect in _CONVERSATIONS and any(mark in body for mark in _SEALED)
        return (_NOT_REPLAYED,) if foreign else ()

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The client's own path or the dialect's, at the provider's own project."""
        path = self._path_of(dialect, exchange)
        project = None if self._express else self._project
        path = at_project(path, project, self.config.location)
        # Google's SDK turns the provider of `provider/model` into a publisher.
        others = dialect is RESOURCE and exchange.request.params.get("publisher") != self.name
        return path if others else at_model(path.replace("{publisher}", "google"), model)

    def _path_of(self, dialect: Dialect, exchange: Exchange) -> str:
        endpoint, same = exchange.endpoint, dialect is exchange.dialect
        if same and endpoint.upstream is not None and endpoint.path.startswith(PREFIX):
            return endpoint.upstream
        if dialect is CLAUDE and exchange.stream:
            return f"{_CLAUDES}:streamRawPredict"
        if dialect.name == GENERATE.name and exchange.stream:
            return f"{_GOOGLES}:streamGenerateContent" + ("" if same else "?alt=sse")
        return self.paths[dialect.name]

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that the API lists of Google's own."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        path = "/v1beta1/publishers/google/models?pageSize=300"
        try:
            listed = msgspec.json.decode(await self.fetch("GET", path), type=_Models)
        except msgspec.MsgspecError as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        names = [model.name.rpartition("/")[2] for model in listed.models]
        return [ModelInfo(name, "google") for name in names]


def _embeds_contents(model: str) -> bool:
    # As in Google's SDK; gemini-embedding-001 still takes instances.
    return "gemini" in model and not model.startswith("gemini-embedding-001")


def _problems(config: Vertex.Config) -> Sequence[str]:
    found = []
    problem = config.credentials.problem()
    if problem is not None:
        found.append(f"credentials: {problem}")
    if config.keys and config.credentials != CredentialsTable():
        found.append("it has keys and credentials: express mode needs only keys")
    if not config.location and not config.keys:
        found.append("it needs `location`, a region such as us-central1, or global")
    return found


class _Model(msgspec.Struct):
    name: str


class _Models(msgspec.Struct):
    models: list[_Model] = msgspec.field(default_factory=list, name="publisherModels")
