"""Accounts and their owners: what is held, what is spent, and leases."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from jackfield.store import Account, Acquired, Balance, Claim, Lease

from . import scripts
from .keys import Keys, account_name, check_names
from .scripts import Script
from .server import Server
from .wire import Word

MICROSECONDS: Final = 1_000_000
LARGEST: Final = 2**63 - 1
REMEMBERED: Final = 30 * 86400
"""Seconds for which the numbers of an ended owner's postings are remembered."""


class Accounts:
    """The part of the store that limits what owners may spend.

    For `recovery` seconds after the server has lost its data nothing can be acquired: in that time
    owners repost their journals and restate their holdings. After a reconnect the server may be a
    promoted replica that lacks some of an owner's holdings, so the owner's lease is not alive there
    until it has restated them.
    """

    def __init__(self, server: Server, keys: Keys, *, recovery: float) -> None:
        self._server = server
        self._keys = keys
        self._recovery = recovery
        self._stated: dict[str, object] = {}

    async def acquire(self, owner: str, claims: Sequence[Claim], lease: float) -> Acquired:
        """Hold amounts on all accounts, or on none."""
        _check(claims)
        names = [account_name(claim.account) for claim in claims]
        words: list[Word] = [owner, _micros(lease), _micros(self._recovery)]
        for name, claim in zip(names, claims, strict=True):
            words += (name, claim.limit, claim.need)
            words += (max(claim.need, claim.want), claim.bucket, claim.since, claim.on_death[0])
        now, refused, *states = await self._run(scripts.ACQUIRE, words, names)
        numbers = list(map(int, states))
        balances = tuple(map(Balance, numbers[1::3], numbers[2::3]))
        if refused >= 0:
            return Acquired((), balances, now / MICROSECONDS, refused)
        return Acquired(tuple(numbers[::3]), balances, now / MICROSECONDS)

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        """Hold less for the owner."""
        named = _named(amounts)
        await self._run(scripts.GIVE_BACK, [owner, *_flat(named)], named)

    async def renew(self, owner: str, lease: float) -> Lease:
        """Extend the lease from now."""
        posted, stated, now = await self._run(scripts.RENEW, [owner, _micros(lease)])
        session = self._session()
        same = self._stated.setdefault(owner, session) is session
        return Lease(posted, bool(stated) and same, now / MICROSECONDS)

    async def restate(self, owner: str, held: Mapping[Account, int], lease: float) -> None:
        """Replace what is held for the owner."""
        named, session = _named(held), self._session()
        await self._run(scripts.RESTATE, [owner, _micros(lease), *_flat(named)], named)
        self._stated[owner] = session

    async def close_owner(self, owner: str) -> None:
        """End an owner."""
        await self._run(scripts.CLOSE_OWNER, [owner, REMEMBERED])
        self._stated.pop(owner, None)

    async def balances(self, accounts: Sequence[tuple[Account, int]]) -> list[Balance]:
        """The states of accounts."""
        words = [word for account, since in accounts for word in (account_name(account), since)]
        answer = await self._server.run(scripts.BALANCES, (self._keys.born,), *words)
        numbers = list(map(int, answer))
        return list(map(Balance, numbers[::2], numbers[1::2]))

    async def recovering(self) -> float:
        """For how many more seconds nothing can be acquired, if the server accepts writes at all.

        An empty server starts the recovery period.
        """
        age: int = await self._server.run(scripts.BORN, (self._keys.born,))
        return max(0.0, self._recovery - abs(age) / MICROSECONDS)

    def _session(self) -> object:
        return self._server.session(self._keys.born)

    async def _run(self, script: Script, words: Sequence[Word], names: Iterable[bytes] = ()) -> Any:
        """Run a script for the owner in its first argument."""
        return await self._server.run(script, self._keys.ledger(str(words[0]), names), *words)


def _check(claims: Sequence[Claim]) -> None:
    for claim in claims:
        check_names(*claim.account)
        if claim.need < 0 or max(claim.need, claim.want, claim.limit) > LARGEST:
            raise ValueError(f"{claim} has an amount below 0 or above {LARGEST}")


def _micros(seconds: float) -> int:
    return round(seconds * MICROSECONDS)


def _named(amounts: Mapping[Account, int]) -> dict[bytes, int]:
    return {account_name(one): amount for one, amount in amounts.items() if amount > 0}


def _flat(amounts: Mapping[bytes, int]) -> list[Word]:
    return [word for pair in amounts.items() for word in pair]
