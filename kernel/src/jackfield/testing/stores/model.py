"""What a store should do with accounts and owners, in the simplest form."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from attrs import define, field

from jackfield.store import Account, Balance, Claim, Entry, OnDeath


class DeathRule(NamedTuple):
    """Where an owner's holdings on an account count if it dies."""

    bucket: int
    on_death: OnDeath


@define
class Owner:
    """What is known about an owner."""

    posted: int = 0
    alive: bool = False
    holds: Counter[Account] = field(factory=Counter)
    rules: dict[Account, DeathRule] = field(factory=dict)
    charged: Counter[tuple[int, Account]] = field(factory=Counter)
    """What counts as spent since its lease expired, by bucket and account."""

    def can_state(self) -> list[Account]:
        """The accounts for which the store knows what happens to the holdings."""
        return [account for account in self.rules if self.holds[account] or not self.alive]


@define
class Model:
    """Accounts and owners. A lease expires when it is told to."""

    spent: Counter[tuple[int, Account]] = field(factory=Counter)
    owners: dict[str, Owner] = field(factory=dict)

    def owner(self, name: str) -> Owner:
        """The owner of that name."""
        return self.owners.setdefault(name, Owner())

    def balance(self, account: Account, since: int) -> Balance:
        """The state of an account."""
        spent = sum(
            amount
            for (bucket, one), amount in self.spent.items()
            if one == account and bucket >= since
        )
        return Balance(spent, sum(owner.holds[account] for owner in self.owners.values()))

    def acquire(self, name: str, claims: Sequence[Claim]) -> tuple[tuple[int, ...], int | None]:
        """What is granted, and the index of the claim for which there is no room."""
        given: list[int] = []
        more: Counter[Account] = Counter()
        for place, claim in enumerate(claims):
            now = self.balance(claim.account, claim.since)
            room = max(0, claim.limit - now.spent - now.held - more[claim.account])
            if room < claim.need:
                return (), place
            given.append(max(claim.need, min(room, claim.want)))
            more[claim.account] += given[-1]
        owner = self.owner(name)
        for claim, amount in zip(claims, given, strict=True):
            owner.holds[claim.account] += amount
            if amount:
                owner.rules[claim.account] = DeathRule(claim.bucket, claim.on_death)
        return tuple(given), None

    def give_back(self, name: str, amounts: Mapping[Account, int]) -> None:
        """Hold this much less, but not less than nothing."""
        holds = self.owner(name).holds
        for account, amount in amounts.items():
            holds[account] = max(0, holds[account] - amount)

    def post(self, name: str, first: int, entries: Sequence[Entry], *, gap: bool) -> int:
        """Count each new entry; the number of the last one."""
        owner = self.owner(name)
        if first > owner.posted + 1 and not gap:
            return owner.posted
        for number, entry in enumerate(entries, first):
            if number > owner.posted:
                owner.posted = number
                for account, bucket, amount in entry.debits:
                    self._debit(owner, account, bucket, amount)
        return owner.posted

    def _debit(self, owner: Owner, account: Account, bucket: int, amount: int) -> None:
        self.spent[bucket, account] += amount
        left = max(0, amount)
        for bucket_then, one in sorted(owner.charged):
            if one == account:
                part = min(left, owner.charged[bucket_then, one])
                owner.charged[bucket_then, one] -= part
                self.spent[bucket_then, one] -= part
                left -= part
        owner.holds[account] = max(0, owner.holds[account] - left)

    def expire(self, name: str) -> None:
        """Let the owner's lease expire."""
        owner = self.owner(name)
        for account, amount in owner.holds.items():
            bucket, on_death = owner.rules.get(account, DeathRule(0, "drop"))
            if on_death != "drop":
                self.spent[bucket, account] += amount
            if on_death == "journal":
                owner.charged[bucket, account] += amount
        for account in [one for one in owner.rules if owner.alive and not owner.holds[one]]:
            del owner.rules[account]
        owner.holds.clear()
        owner.alive = False

    def restate(self, name: str, held: Mapping[Account, int]) -> None:
        """Forget what is held or counts as spent, and hold this."""
        owner = self.owner(name)
        self.spent.subtract(owner.charged)
        owner.charged.clear()
        owner.holds = Counter(held)
        owner.rules = {account: owner.rules[account] for account in held}
        owner.alive = True

    def close(self, name: str) -> None:
        """End the owner."""
        self.expire(name)
        self.restate(name, {})
        self.owner(name).alive = False
