"""What is held and spent on each account, and what is granted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from jackfield.store import Account, Acquired, Balance, Claim

from . import accounts, owners
from .amounts import limited
from .transactions import Transaction

KEPT_WINDOWS: Final = 3
KEPT_SECONDS: Final = 3600
"""Spending is kept for this many windows and seconds more, in case its window is extended."""


def acquire(at: Transaction, owner: str, claims: Sequence[Claim], lease: float) -> Acquired:
    """Hold all claimed amounts, or none."""
    owners.end_leases(at)
    owners.extend(at, owner, lease)
    before = [balance(at, claim.account, claim.since) for claim in claims]
    given: list[int] = []
    taken: Counter[Account] = Counter()
    for place, (claim, now) in enumerate(zip(claims, before, strict=True)):
        room = claim.limit - now.spent - now.held - taken[claim.account]
        if claim.need > max(room, 0):
            return Acquired((), tuple(before), at.now, place)
        given.append(max(claim.need, min(claim.want, room)))
        taken[claim.account] += given[-1]
    for claim, amount in zip(claims, given, strict=True):
        _hold(at, owner, claim, amount)
        _prune(at, claim)
        accounts.use(at, claim.account, accounts.kept_for(claim))
    after = (
        Balance(now.spent, now.held + taken[claim.account])
        for claim, now in zip(claims, before, strict=True)
    )
    return Acquired(tuple(given), tuple(after), at.now)


def balance(at: Transaction, account: Account, since: int) -> Balance:
    """What was spent since a bucket, and what is held by all owners."""
    row = at.db.execute(
        "SELECT (SELECT ifnull(sum(amount), 0) FROM spent"
        "   WHERE scope = :scope AND name = :name AND bucket >= :since),"
        " (SELECT ifnull(sum(amount), 0) FROM hold WHERE scope = :scope AND name = :name)",
        {**account._asdict(), "since": since},
    ).fetchone()
    return Balance(*row)


def balances(at: Transaction, requested: Iterable[tuple[Account, int]]) -> list[Balance]:
    """The states of accounts, after ending expired leases."""
    owners.end_leases(at)
    return [balance(at, account, since) for account, since in requested]


def settled_balances(
    at: Transaction, requested: Iterable[tuple[Account, int]]
) -> list[Balance] | None:
    """The states of accounts, or None if a lease has to be ended first, which requires writing."""
    if owners.run_out(at):
        return None
    return [balance(at, account, since) for account, since in requested]


def give_back(at: Transaction, owner: str, amounts: Mapping[Account, int]) -> None:
    """Reduce what is held for the owner, to no less than 0."""
    _reduce(at, owner, amounts)


def spend(
    at: Transaction, owner: str, debits: Mapping[tuple[Account, int], int], taken: Counter[Account]
) -> None:
    """Count amounts as spent in their buckets; `taken` is what they take from the holdings.

    What already counts as spent since the owner's lease expired is not counted twice.
    """
    at.db.executemany(
        "INSERT INTO spent VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " amount = min(amount, 4611686018427387904 - max(excluded.amount, 0)) + excluded.amount",
        [(*account, bucket, limited(amount)) for (account, bucket), amount in debits.items()],
    )
    last: dict[Account, int] = {}
    for account, bucket in debits:
        last[account] = max(bucket, last.get(account, bucket))
    for account, bucket in last.items():
        accounts.use_posted(at, owner, account, bucket)
    _reduce(at, owner, owners.redeem(at, owner, taken))


def _hold(at: Transaction, owner: str, claim: Claim, amount: int) -> None:
    if amount:
        at.db.execute(
            "INSERT INTO hold VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " amount = amount + excluded.amount, bucket = excluded.bucket,"
            " on_death = excluded.on_death",
            (*claim.account, owner, amount, claim.bucket, claim.on_death),
        )


def _prune(at: Transaction, claim: Claim) -> None:
    window = max(0, int(at.now) - claim.since)
    oldest = claim.since - KEPT_WINDOWS * window - KEPT_SECONDS
    at.db.execute(
        "DELETE FROM spent WHERE scope = ? AND name = ? AND bucket < ?", (*claim.account, oldest)
    )


def _reduce(at: Transaction, owner: str, amounts: Mapping[Account, int]) -> None:
    at.db.executemany(
        "UPDATE hold SET amount = max(0, amount - ?) WHERE scope = ? AND name = ? AND owner = ?",
        [(limited(amount), *account, owner) for account, amount in amounts.items()],
    )
    # An owner with an expired lease has yet to restate its holdings; its empty rows hold the rules.
    at.db.executemany(
        "DELETE FROM hold WHERE scope = :scope AND name = :name AND owner = :owner AND amount = 0"
        " AND (SELECT stated FROM owner WHERE owner = :owner)",
        [{**account._asdict(), "owner": owner} for account in amounts],
    )
