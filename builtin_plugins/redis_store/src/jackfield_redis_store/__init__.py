"""Keeps shared state in Redis or Valkey: one server, a sentinel's primary, or a cluster."""

from .configured_servers import opened
from .plugin import RedisStorePlugin
from .store import RedisStore

__all__ = ["RedisStore", "RedisStorePlugin", "opened"]
