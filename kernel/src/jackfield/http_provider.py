"""A provider behind an HTTP API: its address, its keys, and the dialects that it speaks."""

import re
from collections.abc import Awaitable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from attrs import frozen

from jackfield import _translation
from jackfield._client import ONCE, Origin, check_table, header_lines, passed_on
from jackfield._client.url import has_steps, without_credentials
from jackfield._provider_answer import AnswerReader
from jackfield._provider_request import RequestWriter
from jackfield._provider_routes import Routes
from jackfield._scrubber import Scrubber
from jackfield._upstream_error import UpstreamErrors
from jackfield._usage_switch import UsageSwitch
from jackfield.config import option
from jackfield.dialects import Dialect, Loss, Rendered
from jackfield.endpoints import Endpoint
from jackfield.errors import ConfigError, GatewayError, InvalidRequest, ModelNotFound, ProviderError
from jackfield.exchange import Exchange
from jackfield.keys import Key, KeyRing, LiveKey
from jackfield.plan import Target
from jackfield.providers import Provider
from jackfield.response import Response
from jackfield.secrets import Secret, SecretRef, TextOrSecret
from jackfield.setup import Setup
from jackfield.timeouts import Timeouts


@frozen
class HttpConfig:
    """The keys that every HTTP provider's table may have."""

    base_url: str = option(doc="The URL of the API, as in the vendor's own SDK.")
    keys: tuple[SecretRef | Key, ...] = option((), "The API keys, used in rotation by weight.")
    timeouts: Timeouts = option(
        Timeouts(), "How long it may take, in seconds; by default as in `[upstream]`."
    )
    ca_file: Path | None = option(None, "Certificates to trust instead of the system's, in PEM.")
    allow_http: bool = option(False, "Allows plain HTTP to another machine.")
    models: tuple[str, ...] = option((), "The models it may serve; by default all of its API's.")
    dialects: tuple[str, ...] = option((), "The dialects of its API; by default all the plugin's.")
    headers: Mapping[str, TextOrSecret] = option(
        {}, "Headers to send with every request; secret ones as `env:NAME` or `file:PATH`."
    )
    region: str | None = option(None, "Its region, for plugins that route by region.")
    stream_end: Literal["marker", "framing"] = option(
        "marker",
        "What proves that a stream is complete: the dialect's terminal marker, or only the HTTP"
        " framing, for an API that sends no marker.",
    )


_Headers = Sequence[tuple[str, str]]
"""Names and values, in the order in which they are sent."""

_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)

_forwarded = lru_cache(maxsize=256)(passed_on)
"""The lines of headers that are passed on; callers of one kind send the same ones."""


def dialects_named(names: Collection[str], dialects: Sequence[Dialect]) -> tuple[Dialect, ...]:
    """Those of an API's dialects that its table names; all of them if it names none.

    Raises ValueError, listing the dialects, if it names an unknown one.
    """
    known = {dialect.name for dialect in dialects}
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(dict.fromkeys(dialect.name for dialect in dialects))
        raise ValueError(f"dialects: no {', '.join(map(repr, unknown))}; it speaks {listed}")
    return tuple(dialect for dialect in dialects if not names or dialect.name in names)


class HttpProvider(Provider):
    """Passes requests through in a dialect that the API speaks, and translates all others.

    A subclass names its `dialects`, the `paths` at which the API serves those that can be
    translated into, and how a key becomes headers.
    """

    Config = HttpConfig
    paths: ClassVar[Mapping[str, str]] = {}
    """Dialect name → path below the base URL, with `{model}` if the API expects it there."""

    forward: ClassVar[frozenset[str]] = frozenset()
    """Request headers that are passed on to the API, in lower case."""

    answer_headers: ClassVar[frozenset[str]] = frozenset()
    """Headers of the API's answers that callers get besides the usual ones, in lower case."""

    reports_stream_usage: bool = True
    """Whether the API accepts the member of a request that makes it report a stream's usage."""

    config: Any
    _origin: Origin

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        check_table(config)
        if wrong := [path for path in self.paths.values() if path[:1] not in ("", "/")]:
            raise ValueError(f"its `paths` have {wrong[0]!r}, which does not begin with a slash")
        self._base_url = config.base_url.rstrip("/")
        self._spoken = dialects_named(config.dialects, self.dialects)
        self._routes = Routes(self._spoken, self.paths, self._may_speak)
        # Methods that a subclass does not override are not called for each request.
        self._signs = self._has_own("sign")
        self._adds_headers = self._has_own("request_headers")
        # Clients cannot override configured headers, but they may add to lists.
        self._fixed = {n for n in map(str.lower, config.headers) if not n.endswith("-beta")}
        self._forwards = self.forward - self._fixed
        self._headers: Mapping[str, str] = {}
        self._writer = RequestWriter()
        self._usage_switch = UsageSwitch(self.reports_stream_usage)
        self._ring = KeyRing(())
        self._errors = UpstreamErrors("", Scrubber())
        self._reader = AnswerReader("", self._errors, config.stream_end)

    def _has_own(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(HttpProvider, method)

    async def start(self, setup: Setup) -> None:
        """Resolve the keys and create the origin."""
        config = self.config
        self._origin = setup.origin(
            self.name,
            config.base_url,
            timeouts=config.timeouts,
            ca_file=config.ca_file,
            allow_http=config.allow_http,
        )
        keys = [Key(secret=key) if isinstance(key, SecretRef) else key for key in config.keys]
        live = [LiveKey(await setup.secret(key.secret), key.weight) for key in keys]
        self._ring = KeyRing(live)
        given = config.headers
        self._headers = {name: await text.text(setup.secret) for name, text in given.items()}
        try:  # so that headers that cannot be sent are found now, not at the first request
            for key in live:
                header_lines([*self.authorize(key.secret), *self._headers.items()])
        except ValueError as error:
            raise ConfigError([f"provider {self.name!r}: {error}"]) from None
        secrets = [key.secret.reveal() for key in live if key.secret]
        secrets += [
            text
            for name, text in self._headers.items()
            if text != given[name].value or _SECRET_HEADER.search(name)
        ]
        scrubber = Scrubber(config.base_url, secrets)
        self._errors = UpstreamErrors(self.name, scrubber, self.answer_headers)
        self._reader = AnswerReader(self.name, self._errors, config.stream_end)
        self._writer = RequestWriter.of(self.name, setup)
        await super().start(setup)

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """The headers that authenticate with a key."""
        return [("Authorization", f"Bearer {secret.reveal()}")] if secret else []

    async def sign(self, method: str, url: str, body: bytes, secret: Secret | None) -> _Headers:
        """Headers for one request: a signature, or a short-lived token."""
        return ()

    def refused(self, headers: _Headers, status: int, body: bytes) -> bool:
        """Whether `sign` has others now that the API has refused these headers of its."""
        return False

    def speaks(self, dialect: Dialect, model: str) -> bool:
        """Whether the API accepts this dialect for this model."""
        return True

    def _may_serve(self, model: str) -> bool:
        return not (model and self.config.models) or self.lists(model)

    def _may_speak(self, dialect: Dialect, model: str) -> bool:
        return self._may_serve(model) and self.speaks(dialect, model)

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The path below the base URL, with `{model}` and the path's own parts in braces.

        A dialect that the client speaks goes to the path that its endpoint names.
        """
        if dialect is exchange.dialect and exchange.endpoint.upstream is not None:
            return exchange.endpoint.upstream
        return self.paths[dialect.name]

    def upstream_query(self, dialect: Dialect, exchange: Exchange) -> str:
        """The query for that path: the client's own, without anything that may be its key.

        A translated request has none.
        """
        query = exchange.request.query
        return without_credentials(query) if query and dialect is exchange.dialect else ""

    def request_headers(self, exchange: Exchange) -> _Headers:
        """Headers that depend on the request, in addition to those of `forward`."""
        return ()

    def hide(self, name: str, secret: Secret) -> None:
        """Mask a secret, besides the keys, in everything reported of the provider's errors.

        It replaces the one previously hidden under this name, as a new token does.
        """
        self._errors.scrubber.hide(name, secret.reveal())

    def lists(self, model: str) -> bool:
        """Whether the configuration says that it serves the model."""
        return model in self.config.models

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether the API speaks the endpoint's dialect or one that it can be translated into."""
        return self._routes.lead_from(endpoint.dialect)

    def losses(self, exchange: Exchange, target: Target) -> tuple[Loss, ...]:
        """What the target's dialect, or its model, would lose of the request."""
        if not (routes := self._routes.of(exchange.dialect, target.model)):
            return (Loss("model", "", "dropped", "the provider does not serve it"),)
        if routes[0] is exchange.dialect:
            return self._writer.lost(exchange, target.model) + self.left_out(exchange, target.model)
        part, *_ = _translation.in_parts(exchange, routes[0])
        return self._writer.write(part, target.model, routes[0]).losses

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt, in the client's own dialect if the API speaks it, else translated.

        If the API turns out not to know a dialect's path, another dialect is used, from then on
        immediately.
        """
        if not (routes := self._routes.of(exchange.dialect, target.model)):
            if self._may_serve(target.model):
                raise self.not_served(exchange, target)
            raise ModelNotFound(f"{target} is not allowed here; see GET /v1/models.", param="model")
        try:
            return await self._ask(exchange, target, routes[0])
        except ProviderError as error:
            if len(routes) == 1 or not self._errors.unknown_path(error):
                raise
            try:
                response = await self._ask(exchange, target, routes[1])
            except ProviderError:
                raise error from None
        self._routes.forget(routes[0])
        return response

    async def fetch(
        self, method: str, path: str, body: bytes = b"", headers: _Headers = ()
    ) -> bytes:
        """Send the API a request on the gateway's own behalf; the body of its answer.

        Raises ProviderError, also for a status of 300 or more.
        """
        key = self._ring.take(self.name)
        signed = await self.sign(method, self._base_url + path, body, key.secret)
        lines = header_lines([*self.authorize(key.secret), *headers, *signed])
        answer = await self._origin.send(method, path, lines, body)
        try:
            data = await answer.read()
            if answer.status >= 300:
                dialect = self.dialects[0]
                raise self._errors.read(answer, data, dialect, dialect)
            return data
        finally:
            await answer.close()

    def _ask(self, exchange: Exchange, target: Target, dialect: Dialect) -> Awaitable[Response]:
        model = target.model
        if dialect is exchange.dialect:
            own = Rendered(self.outgoing_body(exchange, model), self.left_out(exchange, model))
            return self._send(exchange, target, dialect, own)
        return self._translate(exchange, target, dialect)

    async def _translate(self, exchange: Exchange, target: Target, dialect: Dialect) -> Response:
        parts = _translation.in_parts(exchange, dialect)
        if len(parts) > 1:
            exchange.tap = _translation.used(parts)
            answers = [await self._translate(part, target, dialect) for part in parts]
            return _translation.joined(exchange, answers)
        await self._writer.prepare(exchange, dialect)
        rendered = self._writer.write(exchange, target.model, dialect)
        _translation.refuse_broken(exchange, dialect, rendered.losses)
        return await self._send(exchange, target, dialect, rendered)

    async def _send(
        self, exchange: Exchange, target: Target, dialect: Dialect, out: Rendered
    ) -> Response:
        """Send a body with one key after another, until the API does not refuse the key."""
        passed = dialect is exchange.dialect
        ask = passed and self._usage_switch.is_needed(exchange, dialect)
        body = self._usage_switch.turn_on(out.body, dialect) if ask else out.body
        refused = renewed = False
        method = exchange.request.method if passed else "POST"
        path = self._path(exchange, target, dialect)
        while True:
            key = self._ring.take(self.name)
            head = self._head(exchange, key)
            signed: _Headers = ()
            if self._signs:
                signed = await self.sign(method, self._base_url + path, body, key.secret)
                head += header_lines(signed)
            # What costs money is out once per attempt, so that each is accounted for.
            resend = not exchange.usage_wanted
            answer = await self._origin.send(method, path, head, body, resend=resend)
            try:
                if answer.status < 300:
                    self._usage_switch.accepted = self._usage_switch.accepted and not refused
                    return await self._reader.read(exchange, answer, dialect, out, hides=ask)
                error_body = await answer.read()
                refusal = self._errors.read(answer, error_body, dialect, exchange.dialect)
            except BaseException as error:
                await answer.close()
                if isinstance(error, ProviderError):
                    self._errors.identified(error, answer)
                if isinstance(error, GatewayError) or not isinstance(error, Exception):
                    raise
                # Whatever a dialect stumbles over in what came, the provider has not answered.
                raise self._reader.unreadable(f"It is not a response of {dialect.name}.") from error
            if ask and self._usage_switch.is_rejected(dialect, answer.status, error_body):
                ask, refused, body = False, True, out.body
                continue
            renewed = not renewed and self.refused(signed, answer.status, error_body)
            if not renewed and not self._another_key(key, answer.status, refusal.retry_after):
                raise refusal

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, with only the model's name replaced."""
        request = exchange.request
        if exchange.body_model is None or exchange.body_model == model:
            return request.body
        media = request.headers.get("content-type", "")
        return exchange.dialect.with_model(request.body, media, exchange.body_model, model)

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """What `outgoing_body` removes from the request."""
        return ()

    def _path(self, exchange: Exchange, target: Target, dialect: Dialect) -> str:
        path = self.upstream_path(dialect, exchange, target.model)
        if "{" in path:
            values = {**exchange.request.params, "model": target.model}
            for name, value in values.items():
                path = path.replace("{" + name + "}", quote(value, safe=""))
                path = path.replace("{" + name + "*}", quote(value, safe="/:@!$&'()*+,;=~"))
        if has_steps(path):
            # Such a name would lead to another part of the API, with the gateway's key.
            raise InvalidRequest(
                f"{target.model!r} cannot be a model's name: it has an empty, . or .. segment.",
                param="model",
            )
        query = self.upstream_query(dialect, exchange)
        return path + ("&" if "?" in path else "?") + query if query else path

    def _head(self, exchange: Exchange, key: LiveKey) -> bytes:
        headers = exchange.request.headers
        media = headers.get("content-type") or "application/json"
        lines = key.lines.get(media)
        if lines is None:
            proof = self.authorize(key.secret)
            self._fixed.update(name.lower() for name, _ in proof)
            fixed = [*proof, *self._headers.items()]
            lines = header_lines([*fixed, ("User-Agent", "jackfield"), ("Content-Type", media)])
            if len(key.lines) < 64:
                key.lines[media] = lines
        added = exchange.provider_headers
        more = [(n, headers[n]) for n in self._forwards if n in headers and n not in added]
        if self._adds_headers:
            more += self.request_headers(exchange)
        try:
            once = exchange.principal.tenant if ONCE in headers else None
            lines += _forwarded(tuple(more), once) if more else b""
        except ValueError as error:
            raise InvalidRequest(f"The request cannot be passed on: {error}.") from None
        if added:
            lines += header_lines((n, added[n]) for n in added if n not in self._fixed)
        return lines

    def _another_key(self, key: LiveKey, status: int, retry_after: float | None) -> bool:
        """Whether the key was refused, and another can be tried immediately."""
        pause = retry_after or (1.0 if status == 429 else 60.0)
        return status in (401, 402, 403, 429) and self._ring.cool(key, pause)
