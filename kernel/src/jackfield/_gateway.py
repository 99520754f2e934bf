"""The gateway: everything that one configuration describes, ready to answer requests."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from attrs import evolve

from jackfield._access_log import AccessLog
from jackfield._admin_frontend import AdminFrontend
from jackfield._administration import Administration
from jackfield._attempts import Attempts
from jackfield._client import Client
from jackfield._frontend import Frontend
from jackfield._hook_call import HookCaller
from jackfield._hook_chain import compile_hooks
from jackfield._loader import Installed, Loader, installed
from jackfield._mistakes import blame, fault_of
from jackfield._models import Models
from jackfield._operations import Operations
from jackfield._pipeline import Pipeline
from jackfield._watchdog import Watchdog
from jackfield.admin.declarations import Declarations
from jackfield.capabilities import ModelFacts
from jackfield.catalogue import Catalogue, retiring
from jackfield.config import Document, read_settings
from jackfield.endpoints import EndpointTable
from jackfield.errors import ConfigError, JackfieldError, ShuttingDown
from jackfield.exchange import ANONYMOUS, Exchange, Principal
from jackfield.http import HttpRequest, HttpResponse
from jackfield.ledger import Ledger
from jackfield.plugin import Plugin
from jackfield.response import Outcome
from jackfield.secrets import SecretSources
from jackfield.setup import HealthCheck, Setup

logger = logging.getLogger("jackfield.plugins")

SLOW_SECONDS: Final = 5.0
"""How long a plugin may take to start without a word in the log."""
STOP_SECONDS: Final = 30.0

ADMIN: Final = Principal("admin", "admin listener", frozenset({"*"}), role="owner")


class Gateway:
    """One loaded configuration. `start` opens what its plugins need, `stop` closes it.

    Raises ConfigError, with every problem in the document, if it cannot be used.
    """

    def __init__(
        self,
        document: Document,
        found: Installed | None = None,
        *,
        host_authenticates: bool = False,
    ) -> None:
        self.host_authenticates = host_authenticates
        self.document = document
        self.settings = read_settings(document)
        sources = SecretSources(document.directory)
        self.loaded = Loader(document, self.settings, found or installed(), sources).load()
        document.problems.raise_if_any()
        self.chain = compile_hooks(self.loaded.members)
        self._live: set[Exchange] = set()
        self.caller = HookCaller(self._live)
        # As many as concurrent requests: none has to wait for a connection to its provider.
        self.client = Client(max_connections=self.settings.server.requests_in_flight)
        self.setup = Setup(self.settings, self.client, sources, document.directory.absolute())
        self.setup.plugins = tuple(plugin.name for plugin in self.chain.plugins)
        self.watchdog = Watchdog()
        self.access_log = AccessLog(self.settings.server.log)
        self._logs_access = self.settings.server.log_level in ("debug", "info")
        self.draining = False
        self.reading = 0
        """Requests whose bodies are being read in threads: they have no exchange yet."""
        self.starting = ""
        """The plugin that is being started."""
        self.successor: Gateway | None = None
        """What a reload is about to put in the place of this one."""
        self._started: list[Plugin] = []
        self._ledger: Ledger | None = None
        self.declarations: Final = Declarations(self.setup.declared, document)
        self._idle = asyncio.Event()

    async def start(self) -> "Gateway":
        """Start the plugins in the order of the file, then freeze the tables."""
        for kind in self.loaded.front_doors:
            for endpoint in kind.endpoints:
                self.setup.add_endpoint(endpoint)
        try:
            await self.open_state()
            for plugin in self.loaded.plugins:
                if not plugin.brings_store:
                    await self._start(plugin)
            await self.declarations.start()
        except BaseException:
            await self.stop()
            raise
        self._freeze()
        self.caller.start()
        self.watchdog.start()
        return self

    def _freeze(self) -> None:
        """Build the tables from what the plugins have registered."""
        setup, settings, providers = self.setup, self.settings, self.setup.providers
        self.providers = providers
        self.catalogue = Catalogue(settings.models, providers, ModelFacts(settings.capabilities))
        for line in retiring(settings):
            logger.warning("%s", line)
        models = Models(settings.models, providers, self.catalogue)
        chain = self.chain.without_dry_runs()
        attempts = Attempts(providers, chain.call_provider, self.caller, settings.upstream)
        loop = asyncio.get_running_loop()
        self._pipeline = Pipeline(
            chain, self.caller, models, attempts, self.catalogue, loop, self._settled
        )
        operations = Operations(self)
        self.table = EndpointTable([*setup.endpoints, *operations.public()])
        self.frontend = Frontend(self, self.table, self._callers_principal())
        setup.handle = self.frontend.handle
        administration = Administration(setup, operations.admin())
        self.admin_frontend = AdminFrontend(self, EndpointTable(administration.endpoints), ADMIN)

    async def stop(self) -> None:
        """End what is still running, then stop the plugins in reverse order."""
        await self.end_exchanges()
        self.watchdog.stop()
        self.caller.stop()
        await self.declarations.stop()
        stores = [plugin for plugin in self._started if plugin.brings_store]
        for plugin in reversed(self._started):
            if not plugin.brings_store:
                await _stop(plugin)
        if self._ledger is not None:
            await self._ledger.stop()
        for plugin in stores:
            await _stop(plugin)
        self._started.clear()
        await self.client.close()
        self.access_log.flush()

    async def __aenter__(self) -> "Gateway":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def health_checks(self) -> Mapping[str, HealthCheck]:
        """What /ready checks."""
        checks = {plugin.name: plugin.health for plugin in self.loaded.plugins}
        if self._ledger is not None:
            checks["ledger"] = self._ledger.health
        if self.setup.declared:
            checks["declarations"] = self.declarations.health
        return {**checks, **self.setup.health_checks}

    def handle(self, request: HttpRequest) -> Awaitable[HttpResponse]:
        """Answer a request, also from a task that may be cancelled."""
        return self.frontend.handle(request)

    def run(self, exchange: Exchange) -> Awaitable[HttpResponse]:
        """Run an exchange that has been opened."""
        self._live.add(exchange)
        return self._pipeline.run(exchange)

    async def dry_run(self, exchange: Exchange, settled: Callable[[Outcome], None]) -> None:
        """Run the hooks and the plan of an exchange without sending anything; the outcome."""
        self._live.add(exchange)
        try:
            dry = evolve(self._pipeline, chain=self.chain, settled=lambda _, end: settled(end))
            answer = await dry.run(exchange)
            if not isinstance(answer.body, bytes):  # a plugin's stream, settled when it ends
                async for _ in answer.body:
                    pass
        finally:
            self._live.discard(exchange)

    async def open_state(self) -> None:
        """Start the store, and the ledger if any plugin needs it. `start` calls this first."""
        stores = [plugin for plugin in self.loaded.plugins if plugin.brings_store]
        for plugin in stores:
            await self._start(plugin)
        if stores and any(plugin.needs_store for plugin in self.loaded.plugins):
            self._ledger = self.setup.open_ledger()
            await self._ledger.start()

    async def _start(self, plugin: Plugin) -> None:
        """Start a plugin. Only a deliberate error's message is shown: others may reveal secrets."""
        self._started.append(plugin)
        self.starting = plugin.name
        try:
            with _slow_start_logged(plugin):
                await plugin.start(self.setup)
            if plugin in self.loaded.providers and plugin.name not in self.setup.providers:
                raise ConfigError([f"provider {plugin.name!r}: `start` must call that of its base"])
        except JackfieldError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            fault = fault_of(error, plugin.__module__)
            raise ConfigError([f"plugin {plugin.name!r} cannot start: {fault}"]) from None
        finally:
            self.starting = ""

    async def end_exchanges(self) -> None:
        """End what is running with its own kind of error, and wait until all is settled."""
        self.draining = True
        for exchange in tuple(self._live):
            exchange.end(ShuttingDown("The gateway is shutting down."))
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.idle()
        except TimeoutError:
            logger.error("%d requests did not end; they are left", len(self._live))

    async def idle(self) -> None:
        """Wait until nothing is running."""
        while self._live or self.reading:
            self._idle.clear()
            await self._idle.wait()

    def _settled(self, exchange: Exchange, outcome: Outcome) -> None:
        self._live.discard(exchange)
        if not self._live:
            self._idle.set()
        if self._logs_access:
            self.access_log.add(exchange, outcome)
        exchange.answers = ()  # they may refer to the exchange
        if outcome.error is not None:
            outcome.error.without_traceback()

    def _callers_principal(self) -> Principal:
        """The principal of a request before any plugin has identified the caller."""
        if any(plugin.authenticates for plugin in self.chain.plugins):
            return ANONYMOUS
        permissions = {endpoint.permission for endpoint in self.table} - {"admin"}
        return Principal(tenant="local", permissions=frozenset(permissions))


@contextmanager
def _slow_start_logged(plugin: Plugin) -> Iterator[None]:
    """Log which plugin is being waited for: from a thread, as it may block the event loop."""
    message = "plugin %s has not started yet; still waiting"
    timer = threading.Timer(SLOW_SECONDS, logger.warning, (message, plugin.name))
    timer.name, timer.daemon = "jackfield-start", True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


async def _stop(plugin: Plugin) -> None:
    """Stop a plugin. A failure is logged, and does not keep the others from being stopped."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await plugin.stop()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        blame(plugin, "stop", error)
