"""The two stores that the proof runs on, as a table of the configuration and as an open store."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from attrs import frozen
from builtin_plugins.redis_store.tests.redis_servers import Process, running

from jackfield.store import Store
from jackfield_redis_store import opened as redis_opened
from jackfield_sqlite_store import opened as sqlite_opened

NAMES = ("sqlite", "redis")
STATE = "state"
PATIENCE = 5.0


class Backing(Protocol):
    """One store."""

    @property
    def toml(self) -> str:
        """The plugin's table."""

    @property
    def can_restart(self) -> bool:
        """Whether there is a server."""

    def end(self) -> None:
        """Kill the server."""

    def begin(self) -> None:
        """Start the server again."""

    def opened(self) -> AbstractAsyncContextManager[Store]:
        """The store itself, for the checker."""


@frozen
class Sqlite:
    """A file in the state directory."""

    folder: Path
    toml: str = "[plugins.sqlite_store]\n"
    can_restart: bool = False

    def end(self) -> None:
        """There is no server."""

    def begin(self) -> None:
        """There is no server."""

    def opened(self) -> AbstractAsyncContextManager[Store]:
        """The file."""
        return sqlite_opened(self.folder / STATE / "store.db", patience=PATIENCE)


@frozen
class Redis:
    """A server that persists every write, and can be killed."""

    server: Process
    can_restart: bool = True

    @property
    def toml(self) -> str:
        """The plugin's table."""
        return f'[plugins.redis_store]\nurl = "{self.server.url}"\n'

    def end(self) -> None:
        """Kill the server."""
        self.server.kill()

    def begin(self) -> None:
        """Start the server again."""
        self.server.start()

    def opened(self) -> AbstractAsyncContextManager[Store]:
        """A connection to the server."""
        return redis_opened(self.server.url, deadline=PATIENCE)


@contextmanager
def backing(name: str, folder: Path) -> Iterator[Backing]:
    """A store by its name, ready inside the block."""
    if name == "sqlite":
        yield Sqlite(folder)
        return
    with running(Process("redis-server", folder / "redis", ("--appendonly", "yes"))) as server:
        yield Redis(server)
