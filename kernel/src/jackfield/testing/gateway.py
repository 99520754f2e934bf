"""A whole gateway in this process, without a socket: every hook, but no network."""

import io
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from jackfield._access_log import AccessLog
from jackfield._gateway import Gateway
from jackfield._loader import Installed, installed
from jackfield.config import Document, parse
from jackfield.exchange import ASKING, Exchange
from jackfield.http import HttpRequest, HttpResponse
from jackfield.plugin import Plugin
from jackfield.response import Outcome

from .client import GatewayClient, Settled
from .faulty import Faulty
from .provider import FakeProvider
from .recorder import Recorder
from .serving import serve

KIT: Final[Mapping[str, type[Plugin]]] = {
    "fake": FakeProvider,
    "recorder": Recorder,
    "faulty": Faulty,
}
"""The plugins of the kit, by the word that `use` takes."""


class ObservedGateway(Gateway):
    """A gateway that keeps its access log to itself and remembers settled exchanges.

    Without a `directory` its state is in a temporary one, which is deleted at the end.
    """

    def __init__(self, document: Document, found: Installed, directory: Path | None) -> None:
        super().__init__(document, found)
        self._folder: TemporaryDirectory[str] | None = None
        self._is_lasting = directory is not None
        self.log = io.StringIO()
        self.access_log = AccessLog("text", self.log)
        self.settled: list[Settled] = []
        self.plugin_requests: set[Exchange] = set()
        """The exchanges that plugins have started themselves."""

    async def open_state(self) -> None:
        """Start the store, with a folder for the state."""
        self.make_folder()
        await super().open_state()

    def make_folder(self) -> None:
        """Keep the state in a temporary folder unless there is a permanent one."""
        if not self._is_lasting:
            self._folder = TemporaryDirectory(prefix="jackfield-")
            self.setup.directory = Path(self._folder.name)

    async def stop(self) -> None:
        """Stop, and leave nothing behind."""
        await super().stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def written_log(self) -> str:
        """The access log so far."""
        self.access_log.flush()
        return self.log.getvalue()

    def run(self, exchange: Exchange) -> Awaitable[HttpResponse]:
        """Note exchanges that plugins start."""
        if ASKING.get():
            self.plugin_requests.add(exchange)
        return super().run(exchange)

    def _settled(self, exchange: Exchange, outcome: Outcome) -> None:
        self.settled.append(Settled(exchange, outcome))
        super()._settled(exchange, outcome)


@asynccontextmanager
async def run_gateway(
    toml: str = "",
    plugins: Mapping[str, type[Plugin]] | None = None,
    *,
    directory: Path | None = None,
) -> AsyncIterator[GatewayClient]:
    """Start a gateway with the configuration `toml`, and stop it at the end.

    `plugins` maps the names that `use` or a table has to classes; installed plugins are found
    anyway. The provider `fake` is always available, and so is the endpoint `POST /testing/chat`.
    Relative paths in the configuration start from `directory`, and plugins' state is kept there;
    without one it is deleted at the end. Raises ConfigError.
    """
    gateway = observed_gateway(toml, plugins, directory=directory)
    async with gateway:
        client = client_of(gateway)
        try:
            yield client
        finally:
            await client.leave()


def observed_gateway(
    toml: str, plugins: Mapping[str, type[Plugin]] | None = None, *, directory: Path | None = None
) -> ObservedGateway:
    """A gateway that has not started."""
    document = parse(toml, directory=directory)
    if "fake" not in document.tree.get("providers", {}):
        document = parse(f"{toml}\n[providers.fake]\n", directory=directory)
    return ObservedGateway(document, installed({**KIT, **(plugins or {})}), directory)


def client_of(gateway: ObservedGateway) -> GatewayClient:
    """A client of a gateway that has started."""

    async def through_the_socket(request: HttpRequest) -> HttpResponse:
        request.client = "unix"
        return await gateway.admin_frontend.handle(request)

    return GatewayClient(
        gateway.handle,
        through_the_socket,
        gateway.end_exchanges,
        partial(serve, gateway.frontend),
        {plugin.name: plugin for plugin in gateway.loaded.plugins},
        gateway.written_log,
        gateway.settled,
    )


def admin_of(gateway: ObservedGateway) -> GatewayClient:
    """A client of its admin listener, with the rights of whoever can open the socket."""
    return client_of(gateway).admin
