"""Shared state in one SQLite file, for any number of processes on one machine."""

from .plugin import SqliteStorePlugin
from .store import SqliteStore, opened

__all__ = ["SqliteStore", "SqliteStorePlugin", "opened"]
