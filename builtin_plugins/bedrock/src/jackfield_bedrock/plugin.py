"""The provider `bedrock`: Amazon Bedrock in one region."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.dialects import Dialect, Loss, Rendered
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange
from jackfield.fields import own
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.keys import Key
from jackfield.messages import chat_of
from jackfield.plan import Target
from jackfield.providers import ModelInfo
from jackfield.response import Response
from jackfield.secrets import Secret
from jackfield.setup import Setup

from .converse_claude import ANTHROPIC as ANTHROPIC_API
from .converse_claude import BETAS
from .converse_thoughts import MARKS
from .credentials import Credentials
from .endpoints import ANTHROPIC, CONVERSE, COUNT_TOKENS, DIALECTS, PATHS, endpoints
from .header_usage import PASSED
from .invoke import BODIES
from .invoke_models import body_of, is_bedrock_name, is_opaque
from .model_list import LISTING, Control, listed_models

if TYPE_CHECKING:
    from .signing import Signer

_SECRETS: Final = ("access_key", "secret_key", "session_token")
_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
_DOMAINS: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""The domains of regions in separate partitions."""

_BODIES: Final[Mapping[Dialect, str]] = {
    ANTHROPIC: "anthropic",
    **{dialect: body for body, dialect in BODIES.items()},
}
_CONVERSATIONS: Final = (CONVERSE, ANTHROPIC, COUNT_TOKENS)
_NOT_CONVERSED: Final = frozenset(
    {"cohere_embeddings", "titan_embeddings", "nova_embeddings", "rerank"}
)
_PROFILES: Final = ("us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "us-gov.")


class Bedrock(HttpProvider):
    """Amazon Bedrock: requests are signed, or carry a Bedrock API key."""

    @frozen
    class Config(HttpConfig):
        """`[providers.NAME]` with `use = "bedrock"`."""

        base_url: str = option("", "The URL of the runtime; by default AWS's URL of the region.")
        region: str | None = option(None, "The region; by default AWS_REGION in the environment.")
        credentials: Credentials = option(
            Credentials(), "The source of credentials; by default AWS's own chain."
        )

    dialects: ClassVar[tuple[Dialect, ...]] = DIALECTS
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths = PATHS
    forward: ClassVar[frozenset[str]] = frozenset(
        {
            "x-amzn-bedrock-accept",
            "x-amzn-bedrock-guardrailidentifier",
            "x-amzn-bedrock-guardrailversion",
            "x-amzn-bedrock-performanceconfig-latency",
            "x-amzn-bedrock-request-metadata",
            "x-amzn-bedrock-service-tier",
            "x-amzn-bedrock-trace",
        }
    )
    answer_headers: ClassVar[frozenset[str]] = PASSED

    def __init__(self, config: Any) -> None:
        region = config.region or next(filter(None, map(os.environ.get, _REGIONS)), None)
        if not region:
            raise ValueError('no region: write region = "us-east-1", or set AWS_REGION')
        if not config.base_url and not _REGION.fullmatch(region):
            raise ValueError(f"region: {region!r} is not an AWS region such as us-east-1")
        self._control_url = "" if config.base_url else _address("bedrock", region)
        url = config.base_url or _address("bedrock-runtime", region)
        bearer = config.credentials.bearer
        keys = (*config.keys, Key(secret=bearer)) if bearer is not None else config.keys
        super().__init__(evolve(config, region=region, base_url=url, keys=keys))
        self._signer: Signer | None = None
        self._control: Control | None = None
        self._secret: Secret | None = None

    async def start(self, setup: Setup) -> None:
        """Resolve the keys, or configure where to find credentials when they are needed."""
        # AWS's library is slow to import, and not needed to offer only the endpoints.
        from .signing import Signer, fixed_keys, found_credentials  # noqa: PLC0415

        config, region = self.config.credentials, self.config.region
        named = {name: getattr(config, name) for name in _SECRETS}
        secrets = {name: await setup.secret(ref) for name, ref in named.items() if ref is not None}
        find: Callable[[], Any] = partial(found_credentials, config, region)
        if secrets:
            access, secret = secrets["access_key"], secrets["secret_key"]
            find = partial(fixed_keys, access, secret, secrets.get("session_token"))
        self._signer = Signer(self.name, region, find, self.hide)
        if self._control_url:
            self._control = setup.origin(f"{self.name}.models", self._control_url)
            keys = [key.secret if isinstance(key, Key) else key for key in self.config.keys]
            self._secret = await setup.secret(keys[0]) if keys else None
        await super().start(setup)
        for name, hidden in secrets.items():
            self.hide(name, hidden)

    async def stop(self) -> None:
        """Cancel background work."""
        if self._signer is not None:
            await self._signer.stop()
        await super().stop()

    async def sign(
        self, method: str, url: str, body: bytes, secret: Secret | None
    ) -> Sequence[tuple[str, str]]:
        """AWS's signature of a request, unless an API key authenticates it."""
        if secret is not None or self._signer is None:
            return ()
        return await self._signer.sign(method, url, body)

    def refused(self, headers: Sequence[tuple[str, str]], status: int, body: bytes) -> bool:
        """Whether keys that AWS no longer knows are replaced by others."""
        unknown = status == 403 and b"security token" in body
        return unknown and self._signer is not None and self._signer.forget(dict(headers))

    def lists(self, model: str) -> bool:
        """Whether the configuration names the model or, if it names none, it is an AWS name."""
        return super().lists(model) or (not self.config.models and is_bedrock_name(model))

    def speaks(self, dialect: Dialect, model: str) -> bool:
        """Whether the model supports this dialect, judging by its name."""
        if is_opaque(model):
            return True
        body = body_of(model)
        if dialect is CONVERSE:
            return body not in _NOT_CONVERSED
        return dialect not in _BODIES or _BODIES[dialect] == body

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path, which says whether to stream. Tokens are counted by model, not by profile."""
        if dialect is exchange.dialect:
            return super().upstream_path(dialect, exchange, model)
        path = self.paths[dialect.name]
        if dialect is COUNT_TOKENS:
            profile = next((p for p in _PROFILES if model.startswith(p)), "")
            return path.replace("{model}", quote(model.removeprefix(profile), safe=""))
        if not exchange.stream:
            return path
        return f"{path}-stream" if dialect is CONVERSE else f"{path}-with-response-stream"

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, or a body without another vendor's thoughts."""
        rest = _without_foreign_thoughts(exchange, model)
        return super().outgoing_body(exchange, model) if rest is None else rest.body

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt, with the betas of Anthropic's header."""
        sent = _with_betas(exchange)
        response = await super().call(sent, target)
        exchange.tap, exchange.losses = sent.tap, sent.losses
        return response

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Another vendor's earlier thoughts."""
        rest = _without_foreign_thoughts(exchange, model)
        return () if rest is None else rest.losses

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that the account's region lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        if self._control is None:
            return ()
        url = self._control_url + LISTING
        headers = self.authorize(self._secret) or await self.sign("GET", url, b"", None)
        found = await listed_models(self._control, headers)
        return [ModelInfo(model, self.name) for model in found]


def _without_foreign_thoughts(exchange: Exchange, model: str) -> Rendered | None:
    """The request without another vendor's thoughts, which Bedrock cannot verify.

    None if it has no such thoughts, or is translated.
    """
    body, dialect = exchange.request.body, exchange.dialect
    if dialect not in _CONVERSATIONS or not any(mark in body for mark in MARKS):
        return None
    return dialect.render_request(replace(chat_of(exchange.canonical()), model=model))


def _with_betas(exchange: Exchange) -> Exchange:
    """The exchange, with the betas of Anthropic's header in its request."""
    named = exchange.request.headers.get("anthropic-beta")
    if named is None or exchange.dialect.name != ANTHROPIC_API:
        return exchange
    request = chat_of(exchange.canonical())
    note = {**own(request.extensions, ANTHROPIC_API), BETAS: named.replace(" ", "").split(",")}
    extensions = {**request.extensions, ANTHROPIC_API: note}
    return evolve(exchange, canonical=replace(request, extensions=extensions))


def _address(service: str, region: str) -> str:
    domains = (domain for start, domain in _DOMAINS.items() if region.startswith(start))
    return f"https://{service}.{region}.{next(domains, 'amazonaws.com')}"
