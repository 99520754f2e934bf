"""The plugin that provides the store."""

from pathlib import Path

from attrs import frozen

from jackfield import Plugin
from jackfield.config import option
from jackfield.setup import Setup

from .store import SqliteStore


class SqliteStorePlugin(Plugin):
    """Shared state in one SQLite file, for any number of processes on one machine."""

    brings_store = True

    @frozen
    class Config:
        """`[plugins.sqlite_store]`."""

        path: Path | None = option(
            None, "The database file; by default `store.db` in the state directory."
        )

    _store: SqliteStore | None = None

    async def start(self, setup: Setup) -> None:
        """Open the file and offer it as the gateway's store."""
        self._store = SqliteStore(self.config.path or setup.state_dir / "store.db")
        await self._store.open()
        setup.add_store(self._store)

    async def stop(self) -> None:
        """Close the file."""
        if self._store is not None:
            await self._store.close()

    async def health(self) -> str | None:
        """What the store reports about itself."""
        return await self._store.health() if self._store else None
