"""A provider behind an HTTP API: its address, its keys, and the dialects that it speaks."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import quote, unquote_plus

from attrs import frozen
from msgspec.structs import replace

from jackfield import _translation
from jackfield._client import Answer, Origin, header_lines, read_base_url
from jackfield._provider_stream import ProviderStream
from jackfield._scrubber import Scrubber
from jackfield._tap import Tap
from jackfield._upstream_error import UpstreamErrors
from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import (
    ConfigError,
    GatewayError,
    InvalidRequest,
    ProviderError,
    ProviderUnavailable,
)
from jackfield.exchange import Exchange
from jackfield.keys import Key, KeyRing, LiveKey
from jackfield.plan import Target
from jackfield.providers import Provider
from jackfield.response import Response
from jackfield.secrets import Secret, SecretRef
from jackfield.setup import Setup
from jackfield.timeouts import Timeouts


@frozen
class HttpConfig:
    """What may stand in the table of every HTTP provider."""

    base_url: str = option(doc="The address of the API, as the vendor's own SDK takes it.")
    keys: tuple[SecretRef | Key, ...] = option((), "The API keys, used in turn by their weights.")
    timeouts: Timeouts = option(
        Timeouts(), "How long it may take, in seconds; what is left out is as in `[upstream]`."
    )
    ca_file: Path | None = option(None, "Certificates to trust in place of the system's, in PEM.")
    allow_http: bool = option(False, "Allows plain HTTP to another machine.")
    models: tuple[str, ...] = option((), "The models it may serve; all that it lists when empty.")
    dialects: tuple[str, ...] = option((), "The dialects its API speaks; all it may when empty.")
    headers: Mapping[str, str] = option({}, "Headers to send with every request.")
    region: str | None = option(None, "Where it runs, for plugins that route by region.")
    stream_end: Literal["marker", "framing"] = option(
        "marker",
        "What proves that a stream is whole: the dialect's terminal marker, or the HTTP framing"
        " alone for an API that sends no marker.",
    )


_EVENTS = "text/event-stream"
_CREDENTIALS = frozenset({"key", "api_key", "api-key", "apikey", "access_token", "token"})
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)


@frozen
class Route:
    """How one exchange is put to a provider: in which dialect, at which path."""

    dialect: Dialect
    path: str


_forwarded = lru_cache(maxsize=256)(header_lines)
"""The lines of headers that are passed on; callers of one kind send the same ones."""


class HttpProvider(Provider):
    """Passes requests through in a dialect that the API speaks, and translates all others.

    A subclass names its `dialects`, the `paths` at which the API serves those it can be translated
    into, and how a key becomes headers.
    """

    Config = HttpConfig
    paths: ClassVar[Mapping[str, str]] = {}
    """Dialect name → path below the base URL, with `{model}` where the API wants it there."""

    forward: ClassVar[frozenset[str]] = frozenset()
    """Request headers that are passed on to the API, in lower case."""

    config: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        read_base_url(config.base_url, allow_http=config.allow_http)
        allowed = frozenset(config.dialects) or frozenset(d.name for d in self.dialects)
        self._spoken = tuple(d for d in self.dialects if d.name in allowed)
        self._unspoken: set[str] = set()
        self._known_routes: dict[Endpoint, list[Route]] = {}
        self._origin: Origin | None = None
        self._ring = KeyRing(())
        self._errors = UpstreamErrors("", Scrubber())

    async def start(self, setup: Setup) -> None:
        """Resolve the keys and open the way out."""
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
        self._check_headers(live)
        secrets = [key.secret.reveal() for key in live if key.secret]
        secrets += [text for name, text in config.headers.items() if _SECRET_HEADER.search(name)]
        scrubber = Scrubber(config.base_url, secrets)
        self._errors = UpstreamErrors(self.name, scrubber)
        await super().start(setup)

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        """The headers that prove a key."""
        return [("Authorization", f"Bearer {secret.reveal()}")] if secret else []

    def _check_headers(self, keys: Iterable[LiveKey]) -> None:
        """Find out at the start, not at the first request, what cannot be sent."""
        try:
            for key in keys:
                header_lines([*self.authorize(key.secret), *self.config.headers.items()])
        except ValueError as error:
            raise ConfigError([f"provider {self.name!r}: {error}"]) from None

    def lists(self, model: str) -> bool:
        """Whether the configuration says that it serves the model."""
        return model in self.config.models

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether the API speaks the endpoint's dialect or one it can be translated into."""
        return bool(self._routes(endpoint))

    def losses(self, exchange: Exchange, target: Target) -> tuple[Loss, ...]:
        """What rendering the request for this target would lose."""
        routes = self._routes(exchange.endpoint)
        if not routes or routes[0].dialect is exchange.dialect:
            return ()
        return _translation.rendered(exchange, target.model, routes[0].dialect).losses

    async def call(self, exchange: Exchange, target: Target) -> Response:
        """One attempt, in the client's own dialect where the API speaks it, else translated.

        An API that turns out not to know a dialect's path is asked in another one, and from then
        on at once.
        """
        routes = self._routes(exchange.endpoint)
        if not routes:
            raise ProviderError(f"It does not serve {exchange.operation}.", provider=self.name)
        for route in routes[:-1]:
            try:
                return await self._call(exchange, target, route)
            except ProviderError as error:
                if not self._errors.unknown_path(error):
                    raise
                first = error
            try:
                response = await self._call(exchange, target, routes[-1])
            except ProviderError:
                raise first from None
            self._unspoken.add(route.dialect.name)
            self._known_routes.clear()
            return response
        return await self._call(exchange, target, routes[-1])

    async def fetch(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Ask the API something on the gateway's own behalf; the body of its answer.

        Raises ProviderError, also for a status of 300 or more.
        """
        key = self._ring.take(self.name)
        lines = header_lines(self.authorize(key.secret))
        answer = await self._live_origin().send(method, path, lines, body)
        try:
            data = await answer.read()
            if answer.status >= 300:
                dialect = self.dialects[0]
                raise self._errors.read(answer, data, dialect, dialect)
            return data
        finally:
            await answer.close()

    def _live_origin(self) -> Origin:
        if self._origin is None:
            raise ProviderError("It has not started.", provider=self.name)
        return self._origin

    def _routes(self, endpoint: Endpoint) -> list[Route]:
        """The ways to put an endpoint's requests to this API: the client's own dialect first."""
        routes = self._known_routes.get(endpoint)
        if routes is None:
            routes = self._known_routes[endpoint] = self._find_routes(endpoint)
        return routes

    def _find_routes(self, endpoint: Endpoint) -> list[Route]:
        found = []
        mine = endpoint.dialect
        if mine in self._spoken and mine.name not in self._unspoken:
            found.append(Route(mine, endpoint.upstream or self.paths[mine.name]))
        if mine.translates:
            found += [
                Route(dialect, self.paths[dialect.name])
                for dialect in self._spoken
                if dialect is not mine
                and dialect.translates
                and dialect.canonical == mine.canonical
                and dialect.name not in self._unspoken
                and dialect.name in self.paths
            ]
        return found[:2]

    async def _call(self, exchange: Exchange, target: Target, route: Route) -> Response:
        translated = route.dialect is not exchange.dialect
        losses: tuple[Loss, ...] = ()
        if translated:
            rendered = _translation.outgoing(exchange, target.model, route.dialect)
            body, losses = rendered.body, rendered.losses
        else:
            body = self.outgoing_body(exchange, target.model)
        method = "POST" if translated else exchange.request.method
        path = self._path(exchange, target, route.path, translated=translated)
        while True:
            key = self._ring.take(self.name)
            head = self._head(exchange, key)
            answer = await self._live_origin().send(method, path, head, body)
            try:
                if answer.status < 300:
                    return await self._answered(exchange, answer, route.dialect, losses)
                said = await answer.read()
                refusal = self._errors.read(answer, said, route.dialect, exchange.dialect)
            except BaseException as error:
                await answer.close()
                if isinstance(error, GatewayError) or not isinstance(error, Exception):
                    raise
                # Whatever a dialect stumbles over in what came, the provider has not answered.
                raise self._unreadable(f"It is not a response of {route.dialect.name}.") from error
            if not self._another_key(key, answer.status, refusal.retry_after):
                raise refusal

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, with only the model's name spliced."""
        request = exchange.request
        if exchange.body_model is None or exchange.body_model == model:
            return request.body
        media = request.headers.get("content-type", "")
        return exchange.dialect.with_model(request.body, media, exchange.body_model, model)

    def _path(self, exchange: Exchange, target: Target, path: str, *, translated: bool) -> str:
        if "{" in path:
            values = {**exchange.request.params, "model": target.model}
            for name, value in values.items():
                path = path.replace("{" + name + "}", quote(value, safe=""))
                path = path.replace("{" + name + "*}", quote(value, safe="/:@!$&'()*+,;=~"))
        query = "" if translated else _without_credentials(exchange.request.query)
        return f"{path}?{query}" if query else path

    def _head(self, exchange: Exchange, key: LiveKey) -> bytes:
        headers = exchange.request.headers
        media = headers.get("content-type") or "application/json"
        lines = key.lines.get(media)
        if lines is None:
            fixed = [*self.authorize(key.secret), *self.config.headers.items()]
            lines = header_lines([*fixed, ("User-Agent", "jackfield"), ("Content-Type", media)])
            if len(key.lines) < 64:
                key.lines[media] = lines
        more = tuple([(name, headers[name]) for name in self.forward if name in headers])
        try:
            return lines + _forwarded(more) if more else lines
        except ValueError as error:
            raise InvalidRequest(f"The request cannot be passed on: {error}.") from None

    def _another_key(self, key: LiveKey, status: int, retry_after: float | None) -> bool:
        """Whether it was the key that was refused, and another can be tried at once."""
        if status not in (401, 403, 429):
            return False
        return self._ring.cool(key, retry_after or (1.0 if status == 429 else 60.0))

    async def _answered(
        self, exchange: Exchange, answer: Answer, dialect: Dialect, losses: tuple[Loss, ...]
    ) -> Response:
        media = answer.headers.get("Content-Type", "application/json")
        headers = self._errors.passed_headers(answer)
        if media[: len(_EVENTS)].lower() == _EVENTS:
            media = media.lower()
        if self._streams(exchange, dialect, media):
            return await self._streamed(
                exchange, answer, dialect, Response(answer.status, b"", media, headers, losses)
            )
        body = await answer.read()
        if dialect.translates:
            media = media if media.startswith("application/json") else "application/json"
            if not body.isascii():
                body.decode()
            if body.lstrip(b" \t\r\n")[:1] != b"{":
                raise self._unreadable("It is not a JSON object.")
        usage = dialect.usage(body)
        if dialect is exchange.dialect:
            exchange.tap = Tap.known(usage)
            return Response(answer.status, body, media, headers, losses)
        parsed = dialect.parse_response(body)
        return replace(_translation.whole(exchange, parsed, losses), headers=headers)

    def _streams(self, exchange: Exchange, dialect: Dialect, media: str) -> bool:
        """Whether an answer is to be passed on as it comes; what was asked for must have come."""
        events = media.startswith(_EVENTS)
        if not dialect.translates:
            return events or not media.startswith(("application/json", "text/"))
        if dialect.framing == "sse" and events is not exchange.stream:
            asked, came = ("a stream", "none") if exchange.stream else ("no stream", "one")
            raise self._unreadable(f"It was asked for {asked}, and {came} came.")
        return exchange.stream

    def _unreadable(self, why: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The provider's answer cannot be used. {why}", provider=self.name
        )

    async def _streamed(
        self, exchange: Exchange, answer: Answer, dialect: Dialect, shape: Response
    ) -> Response:
        stream = ProviderStream(
            answer,
            dialect,
            self.name,
            self.config.stream_end,
            shown=exchange.dialect,
            scrubber=self._errors.scrubber,
            events=shape.content_type.startswith(_EVENTS),
        )
        if dialect is exchange.dialect:
            await stream.begin()
            response = replace(shape, body=stream)
        else:
            events = _translation.parsed(stream, dialect)
            translated = await _translation.canonical_stream(
                exchange, events, self.name, shape.losses
            )
            response = replace(translated, headers=shape.headers)
        exchange.tap = Tap(stream.usage)
        return response


def _without_credentials(query: str) -> str:
    """The query without what may be the caller's own key: the provider gets the gateway's."""
    if not query:
        return query
    return "&".join(
        part
        for part in query.split("&")
        if unquote_plus(part.partition("=")[0]).lower() not in _CREDENTIALS
    )
