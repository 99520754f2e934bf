"""Owners' postings: spending, counters and records."""

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from jackfield.store import Account, Entry, Record, Tally

from . import holdings, owners
from .amounts import limited
from .transactions import Transaction

MOST_RECORDS: Final = 2**63 - 1


def post(at: Transaction, owner: str, first: int, entries: Sequence[Entry], gap: bool) -> int:
    """Store the new entries and return the number of the owner's last one."""
    last = owners.posted(at, owner)
    if first > last + 1 and not gap:
        return last
    new = entries[max(0, last + 1 - first) :]
    if not new:
        return last
    last = first + len(entries) - 1
    owners.mark_posted(at, owner, last)
    _spend(at, owner, new)
    _count(at, new)
    at.db.executemany(
        "INSERT INTO record (scope, time, data) VALUES (?, ?, ?)",
        [(entry.scope, entry.time, entry.record) for entry in new if entry.record],
    )
    return last


def tallies(at: Transaction, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
    """The counters of the series that begin with `prefix`, for hours in [since, until)."""
    # No byte of UTF-8 is 0xFF, so nothing with the prefix comes after it.
    rows = at.db.execute(
        "SELECT series, hour, field, amount FROM tally"
        " WHERE scope = ? AND series >= ? AND series < (? || x'ff') AND hour >= ? AND hour < ?",
        (scope, prefix, prefix, since, until),
    )
    return [Tally(*row) for row in rows]


def records(
    at: Transaction,
    scope: str,
    span: tuple[float, float],
    after: tuple[float, int],
    limit: int,
) -> list[Record]:
    """The records within a span of time, in order, those after a time and a number."""
    rows = at.db.execute(
        "SELECT id, time, data FROM record"
        " WHERE scope = ? AND time >= ? AND time < ? AND (time, id) > (?, ?)"
        " ORDER BY time, id LIMIT ?",
        (scope, *span, *after, limit),
    )
    return [Record(_place(time, number), time, data) for number, time, data in rows]


def scopes(at: Transaction) -> list[str]:
    """The scopes that have records or tallies, in order."""
    # Skip from one scope to the next by index: most scopes have very many rows.
    rows = at.db.execute(
        "WITH RECURSIVE kept(scope) AS (SELECT min(scope) FROM record UNION ALL"
        "  SELECT (SELECT min(scope) FROM record WHERE scope > kept.scope) FROM kept"
        "  WHERE kept.scope IS NOT NULL),"
        " counted(scope) AS (SELECT min(scope) FROM tally UNION ALL"
        "  SELECT (SELECT min(scope) FROM tally WHERE scope > counted.scope) FROM counted"
        "  WHERE counted.scope IS NOT NULL)"
        " SELECT scope FROM (SELECT scope FROM kept UNION SELECT scope FROM counted)"
        " WHERE scope IS NOT NULL ORDER BY scope"
    )
    return [scope for (scope,) in rows]


def forget_records(at: Transaction, scope: str, before: float, most: int) -> int:
    """Delete at most this many of a scope's records from before a time; return how many."""
    return at.db.execute(
        "DELETE FROM record WHERE id IN"
        " (SELECT id FROM record WHERE scope = ? AND time < ? LIMIT ?)",
        (scope, before, most),
    ).rowcount


def _spend(at: Transaction, owner: str, entries: Iterable[Entry]) -> None:
    debits: Counter[tuple[Account, int]] = Counter()
    taken: Counter[Account] = Counter()
    for debit in chain.from_iterable(entry.debits for entry in entries):
        debits[debit.account, debit.bucket] += debit.amount
        taken[debit.account] += max(0, debit.amount)
    if debits:
        holdings.spend(at, owner, debits, taken)


def _count(at: Transaction, entries: Iterable[Entry]) -> None:
    sums: Counter[tuple[str, str, int, str]] = Counter()
    for entry in entries:
        for series, hour, name, amount in entry.tallies:
            sums[entry.scope, series, hour, name] += amount
    at.db.executemany(
        "INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " amount = min(amount, 4611686018427387904 - max(excluded.amount, 0)) + excluded.amount",
        [(*place, limited(amount)) for place, amount in sums.items()],
    )


def _place(time: float, number: int) -> str:
    # The bits of non-negative doubles sort like the numbers.
    return struct.pack(">dQ", time, number).hex()


def parse_place(place: str) -> tuple[float, int]:
    """The time and the number of a record. Raises ValueError if the text is not a place."""
    if not place:
        return -1.0, 0
    try:
        time, number = struct.unpack(">dQ", bytes.fromhex(place))
    except (struct.error, ValueError):
        time, number = -1.0, MOST_RECORDS + 1
    if number > MOST_RECORDS:
        raise ValueError(f"no record has the place {place[:80]!r}")
    return time, number
