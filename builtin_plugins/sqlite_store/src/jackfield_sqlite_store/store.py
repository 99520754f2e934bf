"""The store protocol, implemented on one SQLite file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from attrs import define, field

from jackfield.errors import ConfigError
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

from . import holdings, messages, owners, postings, values
from .checkpoints import Checkpoints
from .store_file import StoreFile
from .transactions import Transaction, Transactions, Work

T = TypeVar("T")

DEADLINE: Final = 1.0
PATIENCE: Final = 2.0
LARGEST: Final = 2**63 - 1
CHUNK: Final = 2000
"""Records deleted per transaction."""


@define(eq=False)
class SqliteStore(Store):
    """State in one file, shared by the processes on one machine.

    `deadline` is the longest wait of a request in seconds, `patience` of everything else. Open it
    before use, in the event loop that uses it.
    """

    path: Path
    deadline: float = DEADLINE
    patience: float = PATIENCE
    _writer: Transactions = field(init=False)
    _reader: Transactions = field(init=False)
    _reporter: Transactions = field(init=False)
    _checkpoints: Checkpoints = field(init=False)

    def __attrs_post_init__(self) -> None:
        file = StoreFile(self.path)
        self._writer = Transactions(file, writes=True)
        self._reader = Transactions(file, writes=False)
        # Long reads must not delay those of requests and listeners.
        self._reporter = Transactions(file, writes=False)
        self._checkpoints = Checkpoints(file)

    async def open(self) -> None:
        """Create or check the file. Raises ConfigError if it cannot be used."""
        try:
            await self._writer.run(_probe, 10 * self.patience)
            await self._reader.run(_now, 10 * self.patience)
        except StoreUnavailable as error:
            failure = self._writer.failure or self._reader.failure
            raise ConfigError([f"plugins.sqlite_store.path: {failure}"]) from error
        self._checkpoints.start()

    async def close(self) -> None:
        """Finish jobs in progress, and close the file."""
        await self._checkpoints.close()
        await self._reporter.close()
        await self._reader.close()
        await self._writer.close()

    # Values

    async def get(self, scope: str, key: str) -> Value | None:
        """The value of a key, or None."""
        return await self._read(partial(values.get, scope=scope, key=key))

    async def put(
        self,
        scope: str,
        key: str,
        data: bytes,
        *,
        ttl: float | None = None,
        expect: int | None = None,
    ) -> int:
        """Store a value and return its version."""
        _check_text(scope, key)
        return await self._write(
            partial(values.put, scope=scope, key=key, data=data, ttl=ttl, expect=expect)
        )

    async def delete(self, scope: str, key: str, *, expect: int | None = None) -> bool:
        """Delete a value and return whether it existed."""
        return await self._write(partial(values.delete, scope=scope, key=key, expect=expect))

    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        """The values whose keys begin with `prefix` and are greater than `after`, in key order."""
        return await self._read(
            partial(values.scan, scope=scope, prefix=prefix, after=after, limit=limit)
        )

    # The ledger

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        """Hold amounts on several accounts for an owner, on all or none."""
        _check_claims(claims)
        return await self._write(partial(holdings.acquire, owner=owner, claims=claims, lease=lease))

    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        """Reduce what is held for the owner, to no less than 0."""
        await self._work(partial(holdings.give_back, owner=owner, amounts=amounts))

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        """Store the owner's entries and return the number of its last one."""
        return await self._work(
            partial(postings.post, owner=owner, first=first, entries=entries, gap=gap)
        )

    async def renew(self, owner: str, *, lease: float) -> Lease:
        """Extend the lease from now."""
        return await self._work(partial(owners.renew, owner=owner, lease=lease))

    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        """Replace what is held for the owner, or what counts as spent since its lease expired."""
        await self._work(partial(owners.restate, owner=owner, held=held, lease=lease))

    async def close_owner(self, owner: str) -> None:
        """End an owner whose journal is fully posted."""
        await self._work(partial(owners.close, owner=owner))

    async def balances(self, accounts: Sequence[tuple[Account, int]]) -> list[Balance]:
        """The states of accounts, each with the bucket from which on spending counts."""
        found = await self._read(partial(holdings.settled_balances, requested=accounts))
        if found is None:
            found = await self._write(partial(holdings.balances, requested=accounts))
        return found

    async def tallies(self, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
        """The counters of the series that begin with `prefix`, for hours in [since, until)."""
        work = partial(postings.tallies, scope=scope, prefix=prefix, since=since, until=until)
        return await self._reporter.run(work, self.patience)

    async def records(
        self, scope: str, since: float, until: float, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        """The records of times in [since, until), in order, after a given place."""
        place = postings.parse_place(after)
        work = partial(postings.records, scope=scope, span=(since, until), after=place, limit=limit)
        return await self._reporter.run(work, self.patience)

    async def scopes(self) -> list[str]:
        """The scopes that have records or tallies, in order."""
        return await self._reporter.run(postings.scopes, self.patience)

    async def forget_records(self, before: float) -> int:
        """Delete the records from before a time and return their number."""
        forgotten = 0
        for scope in await self.scopes():
            work = partial(postings.forget_records, scope=scope, before=before, most=CHUNK)
            while part := await self._work(work):
                forgotten += part
        return forgotten

    # Messages

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to all listeners of a channel, in every process."""
        _check_text(channel)
        await self._work(partial(messages.publish, channel=channel, message=message))

    def listen(self, channel: str) -> AsyncIterator[bytes | None]:
        """The messages published on a channel from now on; the first item is None."""
        return messages.listen(
            lambda after: self._read(partial(messages.new_messages, channel=channel, after=after))
        )

    # The store itself

    async def time(self) -> float:
        """The store's clock, in seconds since 1970."""
        return await self._read(_now)

    async def health(self) -> str | None:
        """None if healthy, else what is wrong. After a failure it tries to write."""
        if self._writer.failure is None and self._reader.failure is None:
            return None
        with suppress(StoreUnavailable):
            await self._write(_probe)
            await self._read(_now)
        return self._writer.failure or self._reader.failure

    async def _read(self, work: Work[T]) -> T:
        return await self._reader.run(work, self.deadline)

    async def _write(self, work: Work[T]) -> T:
        return await self._writer.run(work, self.deadline)

    async def _work(self, work: Work[T]) -> T:
        return await self._writer.run(work, self.patience)


@asynccontextmanager
async def opened(
    path: str | Path, *, deadline: float = DEADLINE, patience: float = PATIENCE
) -> AsyncIterator[SqliteStore]:
    """A store, open inside the block."""
    store = SqliteStore(Path(path), deadline, patience)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def _check_claims(claims: Sequence[Claim]) -> None:
    for claim in claims:
        _check_text(*claim.account)
        if claim.need < 0 or max(claim.need, claim.want, claim.limit) > LARGEST:
            raise ValueError(f"{claim} has an amount below 0 or above {LARGEST}")


def _check_text(*names: str) -> None:
    for name in names:
        if "\0" in name:
            raise ValueError(f"{name!r} contains a NUL; choose another name")


def _now(at: Transaction) -> float:
    return at.now


def _probe(at: Transaction) -> None:
    # Larger than any single write: a disk with less space counts as full.
    at.db.execute("INSERT OR REPLACE INTO probe VALUES (1, zeroblob(65536))")
