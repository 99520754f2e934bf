"""Creates a store from the configured servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal

from attrs import field, frozen

from jackfield.address import Address
from jackfield.secrets import Secret

from .cluster import ClusterRouter
from .connections import ConnectionOptions
from .messages import Subscriptions
from .node import Locate, Node
from .routing import Router, Sentinels, SingleRouter
from .server import Server
from .store import RedisStore
from .url import Location

DEADLINE: Final = 0.05
"""Timeout of an answer in seconds."""

Mode = Literal["standalone", "sentinel", "cluster"]


@frozen
class Servers:
    """The configured servers and how to connect to them.

    `addresses` is the single server, the sentinels, or some servers of the cluster.
    """

    addresses: tuple[Address, ...]
    options: ConnectionOptions = field(factory=ConnectionOptions)
    mode: Mode = "standalone"
    sentinel_master: str = ""
    sentinel_password: Secret | None = None

    def store(self, *, prefix: str, deadline: float, recovery: float) -> RedisStore:
        """Create a store that starts connecting to these servers."""
        router = self._router(deadline)
        subscriptions = Subscriptions(self.options, lambda: router.address)
        server = Server(router, deadline=deadline)
        return RedisStore(server, subscriptions, prefix=prefix, recovery=recovery)

    def _router(self, deadline: float) -> Router:
        if self.mode == "cluster":
            return ClusterRouter(self.addresses, self.options, deadline=deadline)
        node = Node("The Redis server", self._locate(), self.options, deadline=deadline)
        return SingleRouter(node)

    def _locate(self) -> Locate:
        if self.mode == "sentinel":
            options = self.options.of_sentinel(self.sentinel_password)
            return Sentinels(self.addresses, self.sentinel_master, options).primary

        async def locate() -> Address:
            return self.addresses[0]

        return locate


@asynccontextmanager
async def opened(
    url: str,
    *,
    mode: Mode = "standalone",
    prefix: str = "jackfield",
    deadline: float = DEADLINE,
    recovery: float = 0.0,
) -> AsyncIterator[RedisStore]:
    """A store that is open inside the block. For a cluster, the URL is that of one server."""
    location = Location.of(url)
    servers = Servers((location.address,), location.connection_options(), mode)
    store = servers.store(prefix=prefix, deadline=deadline, recovery=recovery)
    try:
        await store.settled(max(1.0, deadline))
        yield store
    finally:
        await store.close()
