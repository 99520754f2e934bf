"""A store in memory, for tests: as simple as possible, and gone with its process."""

# ruff: noqa: D102 - the protocol says what the methods do

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from attrs import define, field

from jackfield.store import (
    Account,
    Acquired,
    Balance,
    Claim,
    Conflict,
    Debit,
    Entry,
    Lease,
    OnDeath,
    Record,
    Store,
    Tally,
    Value,
)

_LARGEST: Final = 2**63 - 1


@define
class _Charge:
    account: Account
    bucket: int
    amount: int


@define
class _Owner:
    """`charged` is what was held when a lease ran out and counts as spent until all is posted.

    `rules` say of an account in which bucket that is, and what becomes of it.
    """

    last: int = 0
    ends: float = 0.0
    alive: bool = False
    held: dict[Account, int] = field(factory=lambda: defaultdict(int))
    charged: list[_Charge] = field(factory=list)
    rules: dict[Account, tuple[int, OnDeath]] = field(factory=dict)


def _checked(claim: Claim) -> Claim:
    if claim.limit > _LARGEST or "\0" in "".join(claim.account):
        raise ValueError(f"no store can keep {claim}")
    return claim


def _clock() -> Callable[[], float]:
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


@define(eq=False)
class MemoryStore(Store):
    """A store for one process and one event loop. `clock` gives the store's time."""

    clock: Callable[[], float] = field(factory=_clock)
    _values: dict[tuple[str, str], tuple[Value, float | None]] = field(factory=dict, init=False)
    _owners: dict[str, _Owner] = field(factory=lambda: defaultdict(_Owner), init=False)
    _spent: dict[Account, dict[int, int]] = field(
        factory=lambda: defaultdict(lambda: defaultdict(int)), init=False
    )
    _records: dict[str, list[Record]] = field(factory=lambda: defaultdict(list), init=False)
    _kept: int = field(default=0, init=False)
    _tallies: dict[tuple[str, str, int, str], int] = field(
        factory=lambda: defaultdict(int), init=False
    )
    _listeners: dict[str, list[asyncio.Queue[bytes]]] = field(
        factory=lambda: defaultdict(list), init=False
    )

    async def get(self, scope: str, key: str) -> Value | None:
        value, ends = self._values.get((scope, key), (None, None))
        return value if ends is None or ends > self.clock() else None

    async def put(
        self,
        scope: str,
        key: str,
        data: bytes,
        *,
        ttl: float | None = None,
        expect: int | None = None,
    ) -> int:
        if "\0" in scope + key:
            raise ValueError("a name has a character NUL")
        version = await self._version(scope, key, expect)
        ends = None if ttl is None else self.clock() + ttl
        self._values[scope, key] = Value(key, data, version + 1), ends
        return version + 1

    async def delete(self, scope: str, key: str, *, expect: int | None = None) -> bool:
        version = await self._version(scope, key, expect)
        self._values.pop((scope, key), None)
        return version > 0

    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        keys = sorted(key for where, key in self._values if where == scope and key > after)
        found = [await self.get(scope, key) for key in keys if key.startswith(prefix)]
        return [value for value in found if value is not None][:limit]

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        now = self.clock()
        self._end_leases(now)
        self._begin_lease(owner, now + lease)
        balances = [self._balance(claim.account, claim.since) for claim in claims]
        granted: list[int] = []
        given: Counter[Account] = Counter()
        for place, (claim, balance) in enumerate(zip(claims, balances, strict=True)):
            taken = balance.spent + balance.held + given[claim.account]
            room = max(_checked(claim).limit - taken, 0)
            if room < claim.need:
                return Acquired((), tuple(balances), now, place)
            granted.append(min(claim.want, room))
            given[claim.account] += granted[-1]
        for claim, amount in zip(claims, granted, strict=True):
            self._owners[owner].rules[claim.account] = claim.bucket, claim.on_death
            self._hold(owner, claim.account, amount)
        after = [self._balance(claim.account, claim.since) for claim in claims]
        return Acquired(tuple(granted), tuple(after), now)

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        for account, amount in amounts.items():
            self._hold(owner, account, -amount)

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        state = self._owners[owner]
        if first > state.last + 1 and not gap:
            return state.last
        for number, entry in enumerate(entries, first):
            if number > state.last:
                self._keep(state, entry)
                state.last = number
        return state.last

    async def renew(self, owner: str, *, lease: float) -> Lease:
        now = self.clock()
        self._end_leases(now)
        self._begin_lease(owner, now + lease)
        state = self._owners[owner]
        return Lease(state.last, state.alive, now)

    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        state, now = self._owners[owner], self.clock()
        self._end_leases(now)
        self._begin_lease(owner, now + lease)
        self._uncharge(state)
        state.held.clear()
        for account, amount in held.items():
            state.rules.setdefault(account, (int(now), "journal"))
            self._hold(owner, account, amount)
        state.alive = True

    async def close_owner(self, owner: str) -> None:
        state = self._owners[owner]
        self._end_lease(state)
        self._uncharge(state)

    async def balances(self, accounts: Sequence[tuple[Account, int]]) -> list[Balance]:
        self._end_leases(self.clock())
        return [self._balance(account, since) for account, since in accounts]

    async def tallies(self, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
        return [
            Tally(series, hour, name, amount)
            for (where, series, hour, name), amount in sorted(self._tallies.items())
            if where == scope and series.startswith(prefix) and since <= hour < until
        ]

    async def records(
        self, scope: str, since: float, until: float, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        found = [
            record
            for record in sorted(self._records.get(scope, ()), key=lambda record: record.place)
            if since <= record.time < until and record.place > after
        ]
        return found[:limit]

    async def scopes(self) -> list[str]:
        tallied = {scope for scope, *_ in self._tallies}
        return sorted(tallied | {scope for scope, kept in self._records.items() if kept})

    async def forget_records(self, before: float) -> int:
        count = 0
        for scope, kept in self._records.items():
            self._records[scope] = [record for record in kept if record.time >= before]
            count += len(kept) - len(self._records[scope])
        return count

    async def publish(self, channel: str, message: bytes) -> None:
        for listener in self._listeners[channel]:
            listener.put_nowait(message)

    async def listen(self, channel: str) -> AsyncIterator[bytes | None]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners[channel].append(queue)
        try:
            yield None
            while True:
                yield await queue.get()
        finally:
            self._listeners[channel].remove(queue)

    async def time(self) -> float:
        return self.clock()

    async def health(self) -> str | None:
        return None

    async def _version(self, scope: str, key: str, expect: int | None) -> int:
        value = await self.get(scope, key)
        version = 0 if value is None else value.version
        if expect is not None and expect != version:
            raise Conflict(key, version)
        return version

    def _begin_lease(self, owner: str, ends: float) -> None:
        self._owners[owner].ends = ends

    def _end_leases(self, now: float) -> None:
        for state in self._owners.values():
            if state.ends <= now:
                self._end_lease(state)

    def _end_lease(self, state: _Owner) -> None:
        state.alive = False
        for account, amount in state.held.items():
            bucket, on_death = state.rules[account]
            if on_death != "drop":
                self._spent[account][bucket] += amount
            if on_death == "journal":
                state.charged.append(_Charge(account, bucket, amount))
        state.held.clear()

    def _uncharge(self, state: _Owner) -> None:
        for charge in state.charged:
            self._spent[charge.account][charge.bucket] -= charge.amount
        state.charged.clear()

    def _hold(self, owner: str, account: Account, amount: int) -> None:
        held = self._owners[owner].held
        if account in held or amount > 0:
            held[account] = max(held[account] + amount, 0)

    def _balance(self, account: Account, since: int) -> Balance:
        spent = sum(amount for at, amount in self._spent[account].items() if at >= since)
        return Balance(spent, sum(state.held.get(account, 0) for state in self._owners.values()))

    def _keep(self, state: _Owner, entry: Entry) -> None:
        for debit in entry.debits:
            self._debit(state, debit)
        for tally in entry.tallies:
            self._tallies[entry.scope, tally.series, tally.hour, tally.field] += tally.amount
        if entry.record:
            self._kept += 1
            place = f"{entry.time:020.6f}-{self._kept:012d}"
            self._records[entry.scope].append(Record(place, entry.time, entry.record))

    def _debit(self, state: _Owner, debit: Debit) -> None:
        account, bucket, amount = debit
        self._spent[account][bucket] += amount
        rest = max(amount, 0)
        for charge in state.charged:
            if charge.account == account:
                taken = min(charge.amount, rest)
                charge.amount -= taken
                self._spent[account][charge.bucket] -= taken
                rest -= taken
        if account in state.held:
            state.held[account] = max(state.held[account] - rest, 0)
