"""Owners: their leases, their holdings after a lease expires, and their posting numbers."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from jackfield.store import Account, Lease

from . import accounts
from .transactions import Transaction

REMEMBERED: Final = 30 * 86400.0
"""Seconds for which the numbers of an ended owner's postings are remembered."""


def run_out(at: Transaction) -> list[str]:
    """The owners whose leases have expired and have not been ended."""
    rows = at.db.execute("SELECT owner FROM owner WHERE expires <= ?", (at.now,))
    return [owner for (owner,) in rows]


def end_leases(at: Transaction) -> None:
    """Count the holdings of owners whose leases have expired as spent."""
    for owner in run_out(at):
        _end(at, owner)


def extend(at: Transaction, owner: str, lease: float) -> None:
    """Extend the lease from now. A new owner has stated nothing yet."""
    at.db.execute(
        "INSERT INTO owner VALUES (?, 0, 0, ?, NULL)"
        " ON CONFLICT DO UPDATE SET expires = excluded.expires, ended = NULL",
        (owner, at.now + lease),
    )


def renew(at: Transaction, owner: str, lease: float) -> Lease:
    """Extend the lease from now, and return the owner's state.

    This happens every few seconds, and also deletes expired data.
    """
    end_leases(at)
    accounts.forget_past(at)
    extend(at, owner, lease)
    posted, stated = at.db.execute(
        "SELECT posted, stated FROM owner WHERE owner = ?", (owner,)
    ).fetchone()
    return Lease(posted, bool(stated), at.now)


def restate(at: Transaction, owner: str, held: Mapping[Account, int], lease: float) -> None:
    """Replace what is held for the owner, or counts as spent since its lease expired."""
    end_leases(at)
    extend(at, owner, lease)
    at.db.execute("UPDATE owner SET stated = 1 WHERE owner = ?", (owner,))
    rows = at.db.execute("SELECT scope, name, bucket, on_death FROM hold WHERE owner = ?", (owner,))
    known = {Account(scope, name): how for scope, name, *how in rows}
    unknown = (int(at.now), "journal")
    _refund(at, owner)
    at.db.execute("DELETE FROM hold WHERE owner = ?", (owner,))
    accounts.add_unclaimed(at, held)
    at.db.executemany(
        "INSERT INTO hold VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*account, owner, amount, *known.get(account, unknown))
            for account, amount in held.items()
            if amount > 0
        ],
    )


def close(at: Transaction, owner: str) -> None:
    """End an owner whose journal is fully posted; its number is remembered for a while."""
    _end(at, owner)
    _refund(at, owner)
    at.db.execute("DELETE FROM hold WHERE owner = ?", (owner,))
    at.db.execute(
        "UPDATE owner SET expires = NULL, stated = 0, ended = ? WHERE owner = ?", (at.now, owner)
    )
    at.db.execute("DELETE FROM owner WHERE ended < ?", (at.now - REMEMBERED,))


def posted(at: Transaction, owner: str) -> int:
    """The number of the owner's last posting; 0 if it is unknown."""
    row = at.db.execute("SELECT posted FROM owner WHERE owner = ?", (owner,)).fetchone()
    return int(row[0]) if row else 0


def mark_posted(at: Transaction, owner: str, number: int) -> None:
    """Remember the number of the owner's last posting."""
    at.db.execute(
        "INSERT INTO owner VALUES (?, ?, 0, NULL, NULL)"
        " ON CONFLICT DO UPDATE SET posted = excluded.posted",
        (owner, number),
    )


def redeem(at: Transaction, owner: str, taken: Counter[Account]) -> Counter[Account]:
    """Take amounts from what counts as spent since the owner's lease expired; return the rest."""
    rest = +taken
    rows = at.db.execute(
        "SELECT scope, name, bucket, amount FROM forfeit WHERE owner = ? ORDER BY bucket", (owner,)
    ).fetchall()
    for scope, name, bucket, amount in rows:
        part = min(amount, rest[Account(scope, name)])
        rest[Account(scope, name)] -= part
        place = (part, scope, name, bucket)
        at.db.execute(
            "UPDATE spent SET amount = amount - ? WHERE scope = ? AND name = ? AND bucket = ?",
            place,
        )
        at.db.execute(
            "UPDATE forfeit SET amount = amount - ?"
            " WHERE scope = ? AND name = ? AND bucket = ? AND owner = ?",
            (*place, owner),
        )
    if rows:
        at.db.execute("DELETE FROM forfeit WHERE owner = ? AND amount = 0", (owner,))
    return +rest


def _end(at: Transaction, owner: str) -> None:
    # The rows stay, empty, until the owner restates its holdings: they hold the rules.
    at.db.execute(
        "INSERT INTO forfeit SELECT owner, scope, name, bucket, amount FROM hold"
        " WHERE owner = ? AND amount > 0 AND on_death = 'journal'"
        " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        (owner,),
    )
    at.db.execute(
        "INSERT INTO spent SELECT scope, name, bucket, amount FROM hold"
        " WHERE owner = ? AND amount > 0 AND on_death <> 'drop'"
        " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        (owner,),
    )
    at.db.execute("UPDATE hold SET amount = 0 WHERE owner = ?", (owner,))
    at.db.execute("UPDATE owner SET expires = NULL, stated = 0 WHERE owner = ?", (owner,))


def _refund(at: Transaction, owner: str) -> None:
    at.db.execute(
        "UPDATE spent SET amount = spent.amount - forfeit.amount FROM forfeit"
        " WHERE forfeit.owner = ? AND forfeit.scope = spent.scope AND forfeit.name = spent.name"
        " AND forfeit.bucket = spent.bucket",
        (owner,),
    )
    at.db.execute("DELETE FROM forfeit WHERE owner = ?", (owner,))
