"""The provider, and the endpoints for clients of Text Generation Inference."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
from attrs import frozen

from jackfield import Endpoint, Exchange, ProviderError, Response, Secret, Target, option
from jackfield.dialects import Dialect
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.providers import ModelInfo

from .dialect import COMPAT, GENERATE


def _endpoint(path: str, dialect: Dialect, *, stream: bool | None = None) -> Endpoint:
    """An endpoint that takes the model from its path, else from its query."""
    query = () if "{" in path else ("model",)
    return Endpoint("POST", path, dialect, "chat", "inference", stream=stream, query=query)


def _endpoints(prefix: str) -> tuple[Endpoint, ...]:
    return (
        _endpoint(f"{prefix}/generate", GENERATE, stream=False),
        _endpoint(f"{prefix}/generate_stream", GENERATE, stream=True),
        _endpoint(prefix, COMPAT),
    )


class Tgi(HttpProvider):
    """A server of Text Generation Inference with its native API."""

    @frozen
    class Config(HttpConfig):
        """`[providers.tgi]`."""

        base_url: str = option("http://127.0.0.1:8080", "The URL of the server.")
        model: str = option("", "The name of its only model; by default as reported by the server.")

    dialects: ClassVar[tuple[Dialect, ...]] = (GENERATE, COMPAT)
    paths: ClassVar[Mapping[str, str]] = {GENERATE.name: "/generate"}
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        *_endpoints("/tgi/models/{model*}"),
        *_endpoints("/tgi"),
        _endpoint("/tgi/", COMPAT),
    )

    config: Config

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """The header that Inference Endpoints require; self-hosted servers need none."""
        return [("Authorization", f"Bearer {secret.reveal()}")] if secret else []

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path, which differs for streams."""
        return "/generate_stream" if exchange.stream else "/generate"

    def upstream_query(self, dialect: Dialect, exchange: Exchange) -> str:
        """None: the query that clients may send is for the gateway."""
        return ""

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """Wrap a complete answer in the array that the path `/` returns."""
        response = await super().call(exchange, target)
        body = response.body
        # Translated answers are already in their array.
        if exchange.dialect is COMPAT and isinstance(body, bytes) and body.lstrip()[:1] == b"{":
            return response.with_body(b"[" + body + b"]")
        return response

    async def models(self) -> Sequence[ModelInfo]:
        """The only model of the server."""
        if self.config.model:
            return [ModelInfo(self.config.model)]
        body = await self.fetch("GET", "/info")
        try:
            info = msgspec.json.decode(body, type=_Info)
        except msgspec.MsgspecError as error:
            raise ProviderError(f"{self.name} does not say which model it has.") from error
        return [ModelInfo(info.model_id)]


class _Info(msgspec.Struct):
    model_id: str
