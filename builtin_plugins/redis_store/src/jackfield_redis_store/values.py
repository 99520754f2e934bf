"""Values: versioned data under keys, by scope."""

from typing import Final

from jackfield.store import Conflict, Value

from . import scripts
from .keys import Keys, check_names, decoded, encoded
from .server import Server

BYTES_AT_ONCE: Final = 262_144
"""Bytes after which one answer is full, and another one is requested."""

BEHIND_ALL: Final = b"\xff"
"""No byte of UTF-8 is 0xFF, so no key with a prefix sorts after it."""


class Values:
    """The part of the store for values."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    async def get(self, scope: str, key: str) -> Value | None:
        """The value of a key, or None."""
        check_names(scope, key)
        place = self._keys.value(scope, key)
        kept = await self._server.command(place, "GET", place)
        return None if kept is None else _value(key, kept)

    async def put(
        self, scope: str, key: str, data: bytes, ttl: float | None, expect: int | None
    ) -> int:
        """Store a value and return its version."""
        kept, version = await self._server.run(
            scripts.PUT,
            self._places(scope, key),
            encoded(key),
            data,
            "" if ttl is None else max(1, round(ttl * 1000)),
            "" if expect is None else expect,
        )
        if not kept:
            raise Conflict(key, version)
        return int(version)

    async def delete(self, scope: str, key: str, expect: int | None) -> bool:
        """Delete a value and return whether it existed."""
        forgotten, version = await self._server.run(
            scripts.DELETE,
            self._places(scope, key),
            encoded(key),
            "" if expect is None else expect,
        )
        if not forgotten:
            raise Conflict(key, version)
        return bool(version)

    async def scan(self, scope: str, prefix: str, after: str, limit: int) -> list[Value]:
        """The values whose keys begin with `prefix` and are greater than `after`, in key order."""
        places = (self._keys.index(scope), self._keys.value(scope))
        bound = b"(" + encoded(prefix) + BEHIND_ALL
        least = b"[" + encoded(prefix)
        if encoded(after) >= encoded(prefix) and after:
            least = b"(" + encoded(after)
        values: list[Value] = []
        while len(values) < limit:
            wanted = limit - len(values)
            found, last = await self._server.run(
                scripts.SCAN, places, least, bound, wanted, BYTES_AT_ONCE
            )
            pairs = zip(found[::2], found[1::2], strict=True)
            values.extend(_value(decoded(key), kept) for key, kept in pairs)
            if not last:
                break
            least = b"(" + last
        return values

    def _places(self, scope: str, key: str) -> tuple[bytes, bytes, bytes]:
        check_names(scope, key)
        keys = self._keys
        return keys.value(scope, key), keys.index(scope), keys.expiries(scope)


def _value(key: str, kept: bytes) -> Value:
    version, _, data = kept.partition(b":")
    return Value(key, data, int(version))
