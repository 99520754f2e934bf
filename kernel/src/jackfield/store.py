"""State that plugins share: values, accounts with limits, a spending ledger and messages.

A store is a plugin such as `sqlite_store` or `redis_store`. All stores behave the same: the
conformance suite `jackfield.testing.stores` runs on each of them. Every key has a `scope`, usually
a tenant, as a separate argument, so that no caller can forget it.

Amounts are integers up to 2**63 - 1: nano-dollars, tokens, requests. Times are in seconds of the
store's own clock (`Store.time`), which does not jump when a machine's wall clock is set. Names are
any text without NUL; a name with NUL raises ValueError.

The ledger keeps spending within its limits although many processes spend at the same time and any
of them may die. Each process is an *owner* with a lease. It *acquires* amounts on accounts: they
are held for it, and the spent and held amounts of an account never exceed its limit together. It
*posts* what it has spent, in the order of its journal; postings are numbered, so a repeated one is
recognised. When a lease expires, the amounts still held for its owner count as spent until the
owner's journal has been posted and the true amounts are known.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from jackfield.errors import Overloaded


class StoreUnavailable(Overloaded):
    """The store does not answer, or not in time. The operation may or may not have happened."""

    code = "store_unavailable"


class Conflict(Exception):
    """The value is not at the expected version; `version` is its actual version, 0 if none."""

    def __init__(self, key: str, version: int) -> None:
        super().__init__(f"{key} is at version {version}")
        self.version = version


class Value(msgspec.Struct, frozen=True):
    """A stored value. `version` counts its changes, from 1."""

    key: str
    data: bytes
    version: int


class Account(NamedTuple):
    """Something with a limit: a budget, a rate, a number of concurrent requests."""

    scope: str
    name: str


OnDeath = Literal["journal", "charge", "drop"]
"""What happens to the amounts that a dead owner held.

"journal": they count as spent until its journal has been posted, which says what was.
"charge": they count as spent for good, for accounts that no journal has. "drop": they are free
again, for accounts of what is only occupied.
"""


class Claim(msgspec.Struct, frozen=True):
    """A request for an amount of one account: `want` if there is room, but at least `need`.

    If one claim of a call cannot get its `need`, all of them fail.

    Spending in the buckets from `since` on counts; a bucket is numbered by the second of the
    store's clock at which it begins. If the owner dies, what counts as spent goes into the `bucket`
    of its last claim on the account, as that claim's `on_death` says.
    """

    account: Account
    limit: int
    need: int
    want: int
    bucket: int
    since: int
    on_death: OnDeath = "journal"


class Balance(msgspec.Struct, frozen=True):
    """The state of an account: what was spent since a bucket, and what is held by all owners."""

    spent: int
    held: int


class Acquired(msgspec.Struct, frozen=True):
    """The result of `acquire`: amounts in the order of the claims, each at least its `need`.

    If one claim had no room, nothing was granted: `granted` is empty and `refused` is the index of
    the first such claim. `balances` has the balance of each claim's account afterwards; `now` is
    the store's time.
    """

    granted: tuple[int, ...]
    balances: tuple[Balance, ...]
    now: float
    refused: int | None = None


class Debit(NamedTuple):
    """An amount spent on an account, in the bucket in which it counts; a refund if negative."""

    account: Account
    bucket: int
    amount: int


class Tally(NamedTuple):
    """An addition to one field of a series of counters, in the hour that begins at `hour`."""

    series: str
    hour: int
    field: str
    amount: int


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """One posting. A non-empty `record` is kept under `scope` and `time`.

    The debits are subtracted from what is held for the owner.
    """

    scope: str
    time: float
    record: bytes = b""
    debits: tuple[Debit, ...] = ()
    tallies: tuple[Tally, ...] = ()


class Lease(msgspec.Struct, frozen=True):
    """What the store knows about an owner.

    `posted` is the number of the last posting that it has. If it is lower than a number that it
    confirmed before, the store has lost the postings in between. `alive` is whether the lease has
    not expired since the owner's last `restate`. If false, as for an owner new to the store or
    where the store may have lost what is held, the owner must `restate` what it holds before it
    counts as alive.
    """

    posted: int
    alive: bool
    now: float


class Record(msgspec.Struct, frozen=True):
    """One kept record. `place` orders the records of a scope as text; reading resumes after it."""

    place: str
    time: float
    data: bytes


class Store(ABC):
    """Shared state. All methods raise StoreUnavailable when the store does not answer in time.

    No method hangs: a store sets its own deadlines, a fraction of a second where a request waits.
    """

    # Values

    @abstractmethod
    async def get(self, scope: str, key: str) -> Value | None:
        """The value of a key, or None."""

    @abstractmethod
    async def put(
        self,
        scope: str,
        key: str,
        data: bytes,
        *,
        ttl: float | None = None,
        expect: int | None = None,
    ) -> int:
        """Store a value, for `ttl` seconds if given, and return its version.

        With `expect`, only if the value is at that version (0: does not exist); else raises
        Conflict.
        """

    @abstractmethod
    async def delete(self, scope: str, key: str, *, expect: int | None = None) -> bool:
        """Delete a value and return whether it existed. Raises Conflict as `put` does."""

    @abstractmethod
    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        """The values whose keys begin with `prefix` and are greater than `after`, in key order."""

    # The ledger

    @abstractmethod
    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        """Hold amounts on several accounts for an owner, on all or none, in one atomic step.

        Sets the owner's lease to `lease` seconds from now, whether or not anything is granted.
        Expired leases, including its own, are ended before anything is counted.
        """

    @abstractmethod
    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        """Reduce what is held for the owner by these amounts, to no less than 0."""

    @abstractmethod
    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        """Store the owner's entries, numbered from `first` on; return its last number in the store.

        The first posting ever is 1. Entries that the store already has are skipped. A gap is
        refused unless `gap` allows it: nothing is stored, and the returned number says after which
        one to continue. The call is atomic. Spending is taken from what counts as spent since the
        owner's lease expired, oldest bucket first, and then from what is held for the owner.
        """

    @abstractmethod
    async def renew(self, owner: str, *, lease: float) -> Lease:
        """Set the lease to `lease` seconds from now; an unknown owner is added."""

    @abstractmethod
    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        """Replace what is held for the owner, or what counts as spent since its lease expired.

        What was charged stays charged. For an account that the owner has not held, the store knows
        no claim: at death the stated amount counts as "journal", in the current bucket.
        """

    @abstractmethod
    async def close_owner(self, owner: str) -> None:
        """End an owner whose journal is fully posted, whether or not its lease has expired.

        Amounts that it held on "journal" accounts are free again, even if they counted as spent.
        Its postings are recognised by their numbers for at least a day.
        """

    @abstractmethod
    async def balances(self, accounts: Sequence[tuple[Account, int]]) -> list[Balance]:
        """The states of accounts, each with the bucket from which on spending counts."""

    @abstractmethod
    async def tallies(self, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
        """The counters of the series that begin with `prefix`, for hours in [since, until)."""

    @abstractmethod
    async def records(
        self, scope: str, since: float, until: float, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        """The records of times in [since, until), in order, after a given place."""

    @abstractmethod
    async def scopes(self) -> list[str]:
        """The scopes that have records or tallies, in order."""

    @abstractmethod
    async def forget_records(self, before: float) -> int:
        """Delete the records from before a time and return their number. Tallies stay."""

    # Messages

    @abstractmethod
    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to all listeners of a channel, in every process, within a second."""

    @abstractmethod
    def listen(self, channel: str) -> AsyncIterator[bytes | None]:
        """The messages published on a channel from now on.

        None means that messages may have been missed, for example after a lost connection. The
        first item is None, sent once the subscription is active: data read after it is never older
        than the messages that follow.
        """

    # The store itself

    @abstractmethod
    async def time(self) -> float:
        """The store's clock, in seconds since 1970."""

    @abstractmethod
    async def health(self) -> str | None:
        """None if healthy, else what is wrong, for /ready."""
