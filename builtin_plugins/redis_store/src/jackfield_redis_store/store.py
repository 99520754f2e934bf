"""The Redis store, assembled from its parts."""

from collections.abc import AsyncIterator, Mapping, Sequence

from jackfield.store import (
    Account,
    Acquired,
    Balance,
    Claim,
    Entry,
    Lease,
    Record,
    Store,
    StoreUnavailable,
    Tally,
    Value,
)

from .accounts import Accounts
from .history import History
from .keys import Keys, check_names
from .messages import Subscriptions
from .postings import Postings
from .problems import Problem
from .server import Server
from .values import Values


class RedisStore(Store):
    """A store in Redis or Valkey.

    If there is no server or a slow one, calls fail within the deadline, and at once while that is
    known; reconnection goes on in the background.
    """

    def __init__(
        self, server: Server, subscriptions: Subscriptions, *, prefix: str, recovery: float
    ) -> None:
        self._keys = Keys(prefix)
        self._server = server
        self._subscriptions = subscriptions
        self._values = Values(server, self._keys)
        self._accounts = Accounts(server, self._keys, recovery=recovery)
        self._postings = Postings(server, self._keys)
        self._history = History(server, self._keys)

    async def get(self, scope: str, key: str) -> Value | None:
        return await self._values.get(scope, key)

    async def put(
        self,
        scope: str,
        key: str,
        data: bytes,
        *,
        ttl: float | None = None,
        expect: int | None = None,
    ) -> int:
        return await self._values.put(scope, key, data, ttl, expect)

    async def delete(self, scope: str, key: str, *, expect: int | None = None) -> bool:
        return await self._values.delete(scope, key, expect)

    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        return await self._values.scan(scope, prefix, after, limit)

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        return await self._accounts.acquire(owner, claims, lease)

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        await self._accounts.give_back(owner, amounts)

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        return await self._postings.post(owner, first, entries, gap)

    async def renew(self, owner: str, *, lease: float) -> Lease:
        return await self._accounts.renew(owner, lease)

    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        await self._accounts.restate(owner, held, lease)

    async def close_owner(self, owner: str) -> None:
        await self._accounts.close_owner(owner)

    async def balances(self, accounts: Sequence[tuple[Account, int]]) -> list[Balance]:
        return await self._accounts.balances(accounts)

    async def tallies(self, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
        return await self._history.tallies(scope, prefix, since, until)

    async def records(
        self, scope: str, since: float, until: float, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        return await self._history.records(scope, since, until, after, limit)

    async def scopes(self) -> list[str]:
        return await self._history.scopes()

    async def forget_records(self, before: float) -> int:
        return await self._history.forget_records(before)

    async def publish(self, channel: str, message: bytes) -> None:
        check_names(channel)
        place = self._keys.channel(channel)
        await self._server.command(place, "PUBLISH", place, message)

    def listen(self, channel: str) -> AsyncIterator[bytes | None]:
        return self._subscriptions.listen(self._keys.channel(channel))

    async def time(self) -> float:
        seconds, micros = await self._server.command(self._keys.born, "TIME")
        return int(seconds) + int(micros) / 1_000_000

    async def health(self) -> str | None:
        """Ask the server and report what is known to be wrong."""
        try:
            seconds = await self._accounts.recovering()
        except StoreUnavailable:
            problem = self._server.problem
            return f"Redis {problem.reason}" if problem else "Redis does not answer in time"
        if seconds:
            return f"Redis is empty: for {seconds:.1f} s more it is told what was spent before"
        problem = self._server.problem or self._subscriptions.problem
        return f"Redis {problem.reason}" if problem else None

    async def settled(self, seconds: float) -> Problem | None:
        """Wait until it is known whether the server can be asked; return what is wrong, or None."""
        await self._server.settled(seconds)
        return self._server.problem

    async def recovering(self) -> float:
        """For how many more seconds nothing can be acquired."""
        return await self._accounts.recovering()

    async def close(self) -> None:
        """Close all connections."""
        await self._subscriptions.stop()
        await self._server.stop()
