"""The provider of an Azure OpenAI or Azure AI Foundry resource."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from attrs import evolve, frozen

from jackfield import json_spans
from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange
from jackfield.plan import Target
from jackfield.providers import ModelInfo
from jackfield.realtime import RealtimeConfig, RealtimeProvider
from jackfield.response import Response
from jackfield.secrets import Secret, SecretRef
from jackfield.setup import Setup
from jackfield.tokens import Tokens

from . import deployments
from .endpoints import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    OPERATIONS,
    REALTIME,
    RESOURCE,
    RESPONSES,
    RESPONSES_SOCKET,
    endpoints,
)
from .entra import Application, Assertion, Send
from .forms import Form, address, form_at, form_of_door, is_of_a_deployment, versioned
from .managed_identity import Issuer, ManagedIdentity


@frozen
class Auth:
    """The gateway's identity at Azure, instead of an API key: an Entra application, or a token."""

    tenant_id: str | None = option(None, "The tenant of the application.")
    client_id: str | None = option(None, "The application.")
    client_secret: SecretRef | None = option(None, "Its secret: `env:NAME`, `file:PATH`.")
    client_assertion: SecretRef | None = option(
        None, "A token instead of a secret, as `file:PATH`; it is read again when needed."
    )
    authority: str = option(
        "https://login.microsoftonline.com", "The URL of Entra, for national clouds."
    )
    scope: str = option("https://cognitiveservices.azure.com/.default", "The scope of the token.")
    bearer: SecretRef | None = option(None, "A token that something else renews.")
    managed_identity: bool = option(
        False, "Use the identity of the Azure machine or app that runs the gateway."
    )

    def problem(self) -> str | None:
        """What is wrong with it, or None."""
        if self.client_secret is not None and self.client_assertion is not None:
            return "it has a client_secret and a client_assertion"
        proof = self.client_secret or self.client_assertion
        if self.managed_identity:
            others = (self.tenant_id, proof, self.bearer)
            return "a managed identity has a client_id alone" if any(others) else None
        application = (self.tenant_id, self.client_id, proof)
        if self.bearer is not None:
            return "it has a bearer and an application" if any(application) else None
        if all(application):
            return None
        return (
            "it needs tenant_id, client_id and client_secret or client_assertion;"
            " or bearer; or managed_identity"
        )


class Azure(RealtimeProvider):
    """OpenAI's dialects at one Azure resource; models are served by its deployments."""

    @frozen
    class Config(RealtimeConfig):
        """`[providers.NAME]` with `use = "azure"`."""

        base_url: str = option(
            doc="The resource's endpoint, as in `https://NAME.openai.azure.com`."
        )
        api: Form | None = option(
            None,
            "The form of its API: by default `deployments` if there is an `api_version`, else `v1`;"
            " `foundry` for the model inference API.",
        )
        api_version: str | None = option(None, "The version to request, if the API has versions.")
        deployments: Mapping[str, str] = option(
            {}, "The deployment of each model; by default it has the model's name."
        )
        auth: Auth | None = option(None, "Entra instead of `keys`.")

    dialects: ClassVar[tuple[Dialect, ...]] = (
        *(deployments.CHAT, deployments.COMPLETIONS, deployments.EMBEDDINGS),
        *(CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS, RESOURCE, REALTIME, RESPONSES_SOCKET),
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = OPERATIONS
    forward: ClassVar[frozenset[str]] = frozenset(
        {"accept", "extra-parameters", "idempotency-key", "openai-beta", "x-ms-client-request-id"}
    )
    answer_headers: ClassVar[frozenset[str]] = frozenset({"accept-ranges", "content-range", "etag"})

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(evolve(config, dialects=deployments.in_both_words(config.dialects)))
        problems = _problems(config)
        if problems:
            raise ValueError("; ".join(problems))
        self._form: Form = config.api or ("deployments" if config.api_version else "v1")
        self._tokens: Tokens | None = None
        self._bearer: Secret | None = None

    async def start(self, setup: Setup) -> None:
        """Create the origins of the resource and of Entra."""
        await super().start(setup)
        auth = self.config.auth
        if auth is None:
            return
        if auth.bearer is not None:
            self._bearer = await setup.secret(auth.bearer)
            self.hide("bearer", self._bearer)
        elif auth.managed_identity:
            self._tokens = Tokens(self._managed(auth, setup).fetch, self.hide)
        elif auth.client_secret is not None:
            secret = await setup.secret(auth.client_secret)
            self.hide("client_secret", secret)
            self._tokens = Tokens(self._application(auth, secret, setup).fetch, self.hide)
        elif auth.client_assertion is not None:
            read = partial(setup.secret, auth.client_assertion)
            self._tokens = Tokens(self._application(auth, read, setup).fetch, self.hide)

    async def stop(self) -> None:
        """Cancel background work."""
        if self._tokens is not None:
            await self._tokens.stop()
        await super().stop()

    def _managed(self, auth: Auth, setup: Setup) -> ManagedIdentity:
        issuer = Issuer.of(os.environ)
        ask = self._sending(setup, "GET", issuer.origin, plain=True)
        return ManagedIdentity(self.name, auth.client_id, auth.scope, issuer, ask)

    def _application(self, auth: Auth, proof: Secret | Assertion, setup: Setup) -> Application:
        ask = self._sending(setup, "POST", auth.authority, plain=self.config.allow_http)
        who = (auth.tenant_id or "", auth.client_id or "", auth.scope)
        return Application(self.name, *who, proof, ask)

    def _sending(self, setup: Setup, method: str, url: str, *, plain: bool) -> Send:
        origin = setup.origin(
            f"{self.name}.auth",
            url,
            timeouts=self.config.timeouts,
            ca_file=self.config.ca_file,
            allow_http=plain,
        )

        async def ask(path: str, headers: bytes, body: bytes) -> tuple[int, bytes]:
            answer = await origin.send(method, path, headers, body)
            try:
                return answer.status, await answer.read()
            finally:
                await answer.close()

        return ask

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """Azure's own header for the key."""
        return [("api-key", secret.reveal())] if secret else []

    async def sign(
        self, method: str, url: str, body: bytes, secret: Secret | None
    ) -> Sequence[tuple[str, str]]:
        """The current token, if there is no key."""
        if self._tokens is not None:
            return [("Authorization", f"Bearer {await self._tokens.take()}")]
        if self._bearer is not None:
            return [("Authorization", f"Bearer {self._bearer.reveal()}")]
        return ()

    def refused(self, headers: Sequence[tuple[str, str]], status: int, body: bytes) -> bool:
        """Whether a token that was revoked early is replaced by another."""
        token = dict(headers).get("Authorization", "").removeprefix("Bearer ")
        return status == 401 and self._tokens is not None and self._tokens.forget(token)

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt: Azure knows the model by the name of its deployment."""
        deployment = self.config.deployments.get(target.model, target.model)
        return await super().call(exchange, evolve(target, model=deployment))

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path of the operation in the resource's configured form."""
        operation = super().upstream_path(dialect, exchange, model)
        form = self._form_of(operation, exchange, dialect)
        if not model and form == "deployments" and is_of_a_deployment(operation):
            raise InvalidRequest("The request names no model: set 'model'.", param="model")
        return address(operation, form, model)

    def upstream_query(self, dialect: Dialect, exchange: Exchange) -> str:
        """The client's query, with the resource's version in place of another form's."""
        operation = super().upstream_path(dialect, exchange, exchange.model or "")
        query = super().upstream_query(dialect, exchange)
        door = form_of_door(exchange.endpoint.path)
        form = self._form_of(operation, exchange, dialect)
        return versioned(query, form, door, self.config.api_version)

    def request_headers(self, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """The part of a file that a client downloads."""
        if exchange.request.method != "GET":
            return ()
        given = exchange.request.headers
        return [(name, given[name]) for name in ("range", "if-range") if name in given]

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, with the model's name if the resource's path lacks it."""
        body = super().outgoing_body(exchange, model)
        in_path = "model" in exchange.request.params and body.lstrip()[:1] == b"{"
        if not in_path or self._form == "deployments":
            return body
        return json_spans.put(body, ("model",), model)

    def session_query(self, exchange: Exchange, model: str) -> Mapping[str, str]:
        """The query that names a session's model, in the API's form."""
        named = super().session_query(exchange, model)
        return {"deployment": model} if named and self._form == "deployments" else named

    def _form_of(self, operation: str, exchange: Exchange, dialect: Dialect) -> Form:
        if dialect is RESPONSES_SOCKET:  # documented for the v1 API alone
            return "v1"
        return form_at(operation, self._form, form_of_door(exchange.endpoint.path))

    def lists(self, model: str) -> bool:
        """Whether the configuration names the model."""
        return model in self.config.models or model in self.config.deployments

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models: Azure lists what could be deployed, not what is."""
        names = dict.fromkeys([*self.config.models, *self.config.deployments])
        return [ModelInfo(model, self.name) for model in names]


def _problems(config: Azure.Config) -> Sequence[str]:
    found = []
    path = urlsplit(config.base_url).path.rstrip("/")
    if path.endswith(("/openai", "/openai/v1", "/models")):
        found.append(f"base_url: leave {path!r} out, it is the resource's endpoint alone")
    if config.api == "deployments" and not config.api_version:
        found.append("api_version: the deployments form needs one, as in '2024-10-21'")
    if config.auth is not None and (problem := config.auth.problem()):
        found.append(f"auth: {problem}")
    if config.auth is not None and config.keys:
        found.append("auth: it stands in place of keys; leave one of them out")
    return found
