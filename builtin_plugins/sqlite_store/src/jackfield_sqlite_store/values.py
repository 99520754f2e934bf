"""Values, their versions and their expiry."""

from jackfield.store import Conflict, Value

from .transactions import Transaction


def get(at: Transaction, scope: str, key: str) -> Value | None:
    """The value of a key, unless it has expired."""
    row = at.db.execute(
        "SELECT key, data, version FROM value"
        " WHERE scope = ? AND key = ? AND (expires IS NULL OR expires > ?)",
        (scope, key, at.now),
    ).fetchone()
    return Value(*row) if row else None


def put(
    at: Transaction, scope: str, key: str, data: bytes, ttl: float | None, expect: int | None
) -> int:
    """Store a value and return its version. Raises Conflict if it is not at the expected one."""
    at.db.execute("DELETE FROM value WHERE expires <= ?", (at.now,))
    version = _version(at, scope, key, expect) + 1
    at.db.execute(
        "INSERT INTO value (scope, key, data, version, expires) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET data = excluded.data, version = excluded.version,"
        " expires = excluded.expires",
        (scope, key, data, version, None if ttl is None else at.now + ttl),
    )
    return version


def delete(at: Transaction, scope: str, key: str, expect: int | None) -> bool:
    """Delete a value and return whether it existed. Raises Conflict as `put` does."""
    at.db.execute("DELETE FROM value WHERE expires <= ?", (at.now,))
    version = _version(at, scope, key, expect)
    at.db.execute("DELETE FROM value WHERE scope = ? AND key = ?", (scope, key))
    return version > 0


def scan(at: Transaction, scope: str, prefix: str, after: str, limit: int) -> list[Value]:
    """The values whose keys begin with `prefix` and are greater than `after`, in key order."""
    # No byte of UTF-8 is 0xFF, so no key with the prefix sorts after it.
    rows = at.db.execute(
        "SELECT key, data, version FROM value"
        " WHERE scope = ? AND key >= ? AND key > ? AND key < (? || x'ff')"
        " AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?",
        (scope, prefix, after, prefix, at.now, limit),
    )
    return [Value(*row) for row in rows]


def _version(at: Transaction, scope: str, key: str, expect: int | None) -> int:
    row = at.db.execute(
        "SELECT version FROM value WHERE scope = ? AND key = ?", (scope, key)
    ).fetchone()
    version: int = row[0] if row else 0
    if expect is not None and version != expect:
        raise Conflict(key, version)
    return version
