"""How long each account is kept after its last use, so that old ones are deleted."""

from collections.abc import Iterable
from typing import Final

from jackfield.store import Account, Claim

from .database import LONGEST
from .transactions import Transaction

DAY: Final = 86_400
_SLACK: Final = 3600
"""Seconds by which the expiry may be off, so that it is not written at every use."""

_AT_ONCE: Final = 200


def kept_for(claim: Claim) -> int | None:
    """How many seconds an account is kept after a claim; None for unlimited.

    A rolling window expires by itself. Of a calendar period only the beginning is known.
    """
    if claim.bucket > claim.since:
        return 2 * (claim.bucket - claim.since) + DAY
    return LONGEST if claim.bucket > 0 else None


def use(at: Transaction, account: Account, keep: int | None) -> None:
    """Keep an account for this many seconds from now. An account kept for ever is not listed."""
    if keep is None:
        at.db.execute("DELETE FROM account WHERE scope = ? AND name = ?", account)
        return
    at.db.execute(
        "INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET keep = excluded.keep, ends = excluded.ends"
        " WHERE keep <> excluded.keep OR ends < excluded.ends - ?",
        (*account, keep, at.now + keep, _SLACK),
    )


def use_posted(at: Transaction, owner: str, account: Account, last_bucket: int) -> None:
    """Keep an account that is posted to: as its owner claimed it, else as long as possible."""
    keep, is_held = at.db.execute(
        "SELECT (SELECT keep FROM account WHERE scope = :scope AND name = :name),"
        " EXISTS (SELECT 1 FROM hold WHERE scope = :scope AND name = :name AND owner = :owner)",
        {**account._asdict(), "owner": owner},
    ).fetchone()
    if not is_held:
        keep = LONGEST if last_bucket > 0 else None
    use(at, account, keep)


def add_unclaimed(at: Transaction, accounts: Iterable[Account]) -> None:
    """Keep accounts that have no known claim yet."""
    at.db.executemany(
        "INSERT OR IGNORE INTO account VALUES (?, ?, ?, ?)",
        [(*account, LONGEST, at.now + LONGEST) for account in accounts],
    )


def forget_past(at: Transaction) -> None:
    """Delete some of the accounts that nobody holds and that have been unused long enough."""
    past = at.db.execute(
        "SELECT scope, name FROM account WHERE ends <= ? AND NOT EXISTS"
        " (SELECT 1 FROM hold WHERE hold.scope = account.scope AND hold.name = account.name"
        "  AND hold.amount > 0)"
        " LIMIT ?",
        (at.now, _AT_ONCE),
    ).fetchall()
    at.db.executemany("DELETE FROM spent WHERE scope = ? AND name = ?", past)
    at.db.executemany("DELETE FROM account WHERE scope = ? AND name = ?", past)
