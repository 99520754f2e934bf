"""The plugin: connects to the server and provides the store."""

import asyncio
import logging
import ssl
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Literal

from attrs import evolve, frozen
from attrs.validators import ge, le, matches_re

from jackfield import ConfigError, Plugin, Secret, SecretRef, Setup
from jackfield.address import Address
from jackfield.config import option
from jackfield.store import StoreUnavailable

from .configured_servers import Servers
from .data_version import check_data_version
from .problems import Problem
from .store import RedisStore
from .tls import tls_context
from .url import Location, RedisUrl

logger = logging.getLogger("jackfield.plugins")

PATIENCE: Final = 2.0
"""Seconds for which startup waits for a server that does not answer."""


class RedisStorePlugin(Plugin):
    """Keeps shared state in Redis or Valkey."""

    brings_store: ClassVar[bool] = True

    @frozen
    class Config:
        """`[plugins.redis_store]`."""

        url: RedisUrl = option(
            RedisUrl.from_text("redis://127.0.0.1:6379/0"),
            "The server: `redis://host:port/database`, `rediss://…` for TLS, `unix:///path`; or a"
            " reference to a secret with such a URL. For a cluster, one of its servers.",
        )
        mode: Literal["standalone", "sentinel", "cluster"] = option(
            "standalone", "A single server, a primary found through sentinels, or a cluster."
        )
        nodes: tuple[Address, ...] = option((), "More servers of the cluster to try at startup.")
        sentinels: tuple[Address, ...] = option((), "The sentinels, as `host:port`.")
        sentinel_master: str = option("mymaster", "The sentinels' name for the primary.")
        sentinel_password: SecretRef | None = option(None, "The password of the sentinels.")
        username: str = option("", "The user, if not in the URL.")
        password: SecretRef | None = option(None, "The password, if not in the URL.")
        tls: bool = option(False, "Whether to use TLS; `rediss://` means the same.")
        ca_file: Path | None = option(
            None, "PEM file of certificates to trust instead of the system's."
        )
        cert_file: Path | None = option(
            None, "PEM file of the client certificate, for servers that require one."
        )
        key_file: Path | None = option(
            None, "The key of `cert_file`, in PEM, if it is not in the same file."
        )
        prefix: str = option(
            "jackfield",
            "The prefix of all keys. Gateways with the same prefix share everything.",
            validator=matches_re(r"[A-Za-z0-9_.-]{1,64}"),
        )
        answer_ms: int = option(
            50,
            "Timeout of an answer in milliseconds; after it the store counts as unavailable.",
            validator=[ge(5), le(5000)],
        )
        recovery_seconds: float = option(
            4.0,
            "How long nothing new can be spent after the server has lost its data, while the"
            " gateways report what was spent. A new server counts as one that lost its data.",
            validator=[ge(0), le(600)],
        )
        required: bool = option(False, "Whether the gateway refuses to start without the server.")

    _store: RedisStore | None = None

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.mode == "sentinel" and not config.sentinels:
            raise ValueError('mode = "sentinel" needs `sentinels`, an array of host:port')
        if config.mode != "sentinel" and (config.sentinels or config.sentinel_password):
            raise ValueError('`sentinels` and `sentinel_password` need mode = "sentinel"')
        if config.mode != "cluster" and config.nodes:
            raise ValueError('`nodes` needs mode = "cluster"')
        if config.key_file and not config.cert_file:
            raise ValueError("`key_file` needs `cert_file`")

    async def start(self, setup: Setup) -> None:
        """Connect, and offer the store; an unavailable server is retried in the background."""
        config = self.config
        servers = await self._servers(setup)
        self._store = servers.store(
            prefix=config.prefix,
            deadline=config.answer_ms / 1000,
            recovery=config.recovery_seconds,
        )
        problem = await self._store.settled(PATIENCE)
        if problem is not None:
            self._refuse_or_warn(problem)
        setup.add_store(self._store)
        with suppress(StoreUnavailable):  # /ready says so
            await self._check_version(self._store)
            await self._wait_for_recovery(self._store)

    async def stop(self) -> None:
        """Close the connections."""
        if self._store is not None:
            await self._store.close()

    async def health(self) -> str | None:
        """What the store reports about itself."""
        return await self._store.health() if self._store else None

    async def _servers(self, setup: Setup) -> Servers:
        config = self.config
        location = await self._location(setup)
        password = await _resolved(setup, config.password)
        options = location.connection_options()
        options = evolve(
            options,
            username=config.username or options.username,
            password=password or options.password,
            tls=self._tls(config.tls or location.tls),
            database=0 if config.mode == "cluster" else options.database,
        )
        addresses = config.sentinels or (location.address, *config.nodes)
        sentinel_password = await _resolved(setup, config.sentinel_password)
        return Servers(addresses, options, config.mode, config.sentinel_master, sentinel_password)

    def _tls(self, enabled: bool) -> ssl.SSLContext | None:
        config = self.config
        try:
            if enabled:
                return tls_context(config.ca_file, config.cert_file, config.key_file)
            if config.ca_file or config.cert_file:
                raise ValueError("tls: `ca_file` and `cert_file` are for TLS; write rediss://")
        except ValueError as error:
            raise ConfigError([f"plugins.{self.name}.{error}"]) from None
        return None

    async def _location(self, setup: Setup) -> Location:
        where: Location | SecretRef = self.config.url.where
        if isinstance(where, Location):
            return where
        secret = await setup.secret(where)
        try:
            return Location.of(secret.reveal())
        except ValueError as error:
            message = f"plugins.{self.name}.url: what {where} stands for is wrong: {error}"
            raise ConfigError([message]) from None

    def _refuse_or_warn(self, problem: Problem) -> None:
        message = f"plugins.{self.name}: the Redis server at {self.config.url} {problem.reason}"
        if problem.mistake or self.config.required:
            raise ConfigError([message])
        logger.warning("%s; retrying, and refusing requests that need it", message)

    async def _check_version(self, store: RedisStore) -> None:
        try:
            await check_data_version(store)
        except ValueError as error:
            message = f"plugins.{self.name}: the Redis server at {self.config.url} {error}"
            raise ConfigError([message]) from None

    async def _wait_for_recovery(self, store: RedisStore) -> None:
        # Waiting for the recovery of a new server spares the first callers errors.
        seconds = await store.recovering()
        if seconds:
            logger.warning("The Redis server is empty; waiting %.1f s for other gateways", seconds)
            await asyncio.sleep(seconds)


async def _resolved(setup: Setup, reference: SecretRef | None) -> Secret | None:
    return None if reference is None else await setup.secret(reference)
