"""What a plugin gets in `start`: where it registers what it provides."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from jackfield.endpoints import Endpoint
from jackfield.errors import ConfigError
from jackfield.exchange import ASKING
from jackfield.http import HttpRequest, HttpResponse
from jackfield.response import Response
from jackfield.secrets import Secret, SecretRef, SecretSource, SecretSources, make_folder

# Imports that only a running gateway needs are deferred: commands import this module.
if TYPE_CHECKING:
    from jackfield._client import Client, Origin
    from jackfield.adjustments import Corrector
    from jackfield.admin import Auditor, Collection
    from jackfield.ledger import Ledger
    from jackfield.plugin import Plugin
    from jackfield.prices import PriceBook
    from jackfield.providers import Provider
    from jackfield.settings import Settings
    from jackfield.store import Store
    from jackfield.timeouts import Timeouts

HealthCheck = Callable[[], Awaitable[str | None]]


@define(eq=False)
class Setup:
    """One gateway while its plugins start.

    `settings` are the kernel's own tables. Anything registered here lives as long as the gateway.
    `prices` tells what a model costs. `plugins` are the names of all plugins, in the order in which
    `exchange.timings` has the seconds that their hooks took.
    """

    settings: "Settings"
    _client: "Client"
    _secrets: SecretSources
    directory: Path = field(factory=Path.cwd)
    plugins: tuple[str, ...] = ()
    endpoints: list[Endpoint] = field(factory=list)
    admin_endpoints: list[Endpoint] = field(factory=list)
    providers: "dict[str, Provider]" = field(factory=dict)
    health_checks: dict[str, HealthCheck] = field(factory=dict)
    auditors: "list[Auditor]" = field(factory=list)
    correctors: "list[Corrector]" = field(factory=list)
    admin_collections: "list[Collection[Any]]" = field(factory=list)
    admin_lock: asyncio.Lock = field(factory=asyncio.Lock)
    declared: "list[tuple[Collection[Any], Mapping[str, Any], Sequence[str]]]" = field(factory=list)
    _store: "Store | None" = field(default=None, init=False)
    _ledger: "Ledger | None" = field(default=None, init=False)
    prices: "PriceBook" = field(init=False)
    handle: "Callable[[HttpRequest], Awaitable[HttpResponse]]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        from jackfield.prices import PriceBook  # noqa: PLC0415

        self.prices = PriceBook.of_gateway(self)

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Offer an endpoint. The same entry of the same class may be added twice."""
        if not any(endpoint is known for known in self.endpoints):
            self.endpoints.append(endpoint)

    def add_admin_endpoint(self, endpoint: Endpoint) -> None:
        """Offer an endpoint on the admin listener alone."""
        self.admin_endpoints.append(endpoint)

    def add_provider(self, provider: "Provider") -> None:
        """Offer a provider under its table's name."""
        if provider.name in self.providers:
            raise ConfigError([f"providers.{provider.name}: two providers have this name"])
        self.providers[provider.name] = provider

    def add_store(self, store: "Store") -> None:
        """Keep the state of all plugins in this store. Only one may be offered."""
        if self._store is not None:
            raise ConfigError(["plugins: two of them bring a store; name one alone"])
        self._store = store

    @property
    def store(self) -> "Store":
        """The shared state, for plugins with `needs_store`."""
        if self._store is None:
            raise ConfigError(["a plugin uses the store without `needs_store = True` in its class"])
        return self._store

    def open_ledger(self) -> "Ledger":
        """Create the ledger for the store that was offered. The kernel calls this."""
        from jackfield.ledger import Ledger  # noqa: PLC0415

        self._ledger = Ledger(self.store, self.state_dir / "journal")
        return self._ledger

    @property
    def ledger(self) -> "Ledger":
        """What is posted to the store, and survives the death of this process."""
        if self._ledger is None:
            raise ConfigError(["there is no ledger without a store; set `needs_store`"])
        return self._ledger

    @property
    def state_dir(self) -> Path:
        """The folder for what must survive a restart, accessible to this user only.

        Raises ConfigError if it cannot be created, or others can write to it.
        """
        try:
            path = self.directory / Path(self.settings.server.state_dir).expanduser()
            make_folder(path)
        except (OSError, RuntimeError) as error:
            raise ConfigError([f"server.state_dir cannot be used: {error}"]) from None
        return path

    def add_auditor(self, auditor: "Auditor") -> None:
        """Have `auditor` told of each administrative change before it is made.

        If it raises, the change is refused.
        """
        self.auditors.append(auditor)

    def add_corrector(self, corrector: "Corrector") -> None:
        """Have `corrector` say what to debit when a usage record is corrected.

        It is posted together with the correction. If it raises, the correction is refused.
        """
        self.correctors.append(corrector)

    def add_admin_collection(self, collection: "Collection[Any]") -> None:
        """Offer a collection at `/jackfield/NAME` on the admin listener."""
        self.admin_collections.append(collection)

    def declare(self, collection: "Collection[Any]", things: Mapping[str, Any], *at: str) -> None:
        """Have a collection hold these things, by their ids, which the configuration declares.

        `at` is the path of the table in which it does, so that a message can name the line.
        Once all plugins have started what differs is changed: collections in the order of these
        calls, so that what others belong to comes first.
        """
        self.declared.append((collection, things, at))

    def add_health_check(self, name: str, check: HealthCheck) -> None:
        """Have /ready call `check`: None is well, anything else says what is wrong."""
        self.health_checks[name] = check

    async def ask(self, plugin: "Plugin", request: HttpRequest) -> Response:
        """Ask the gateway as a client does, key and all; the hooks of `plugin` are not called.

        Not in `start`, when there is nobody yet who could answer. A stream is read to its end or
        closed.
        """
        asking = ASKING.set((*ASKING.get(), plugin))
        try:
            answer = await self.handle(request)
        finally:
            ASKING.reset(asking)
        head = dict(answer.headers)
        return Response(answer.status, answer.body, head.pop("content-type", ""), head)

    async def secret(self, reference: SecretRef) -> Secret:
        """The value that a reference in the configuration stands for. Raises SecretError."""
        return await self._secrets.resolve(reference)

    def add_secret_source(self, scheme: str, source: SecretSource) -> None:
        """Resolve references of the form `scheme:…` for plugins that start later."""
        self._secrets.register(scheme, source)

    def origin(
        self,
        name: str,
        base_url: str,
        *,
        timeouts: "Timeouts | None" = None,
        ca_file: Path | None = None,
        allow_http: bool = False,
        public: bool = False,
    ) -> "Origin":
        """The only way to connect out: to a configured base URL, pooled and limited.

        With `public`, no private, local or metadata address is connected to, and no connection is
        kept for another request: it is for URLs that callers give.
        """
        upstream = self.settings.upstream
        return self._client.origin(
            base_url,
            name=name,
            timeouts=timeouts or upstream.timeouts,
            ca_file=ca_file,
            allow_http=allow_http,
            public=public,
            max_response=upstream.max_response,
        )
