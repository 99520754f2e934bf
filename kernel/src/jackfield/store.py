"""What plugins keep and share: values, accounts that cannot be overdrawn, a ledger, messages.

A store is a plugin, such as `sqlite_store` or `redis_store`, and every store behaves the same: one
conformance suite, `jackfield.testing.stores`, runs on all of them. Every key has a `scope`, mostly
a tenant, as an argument of its own, so that none can forget it.

Amounts are integers up to 2**63 - 1: nano-dollars, tokens, requests. Times are seconds of the
store's own clock, which `Store.time` tells and which a step of a machine's wall clock does not
move. Names are any text without a NUL; one with it raises ValueError.

The ledger is how spending stays below its limits although many processes spend at once and any of
them may die. Each process is an *owner* with a lease. It *acquires* amounts on accounts: they are
held for it, and what is spent and held of an account never exceeds its limit. What it has spent it
*posts*, in the order of its journal: a posting that comes twice is known by its number. When a
lease runs out, what is still held for its owner counts as spent, until the owner's journal has been
posted and says what was.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from jackfield.errors import Overloaded


class StoreUnavailable(Overloaded):
    """The store does not answer, or not in time. Whether it did what it was asked is not known."""

    code = "store_unavailable"


class Conflict(Exception):
    """The value is not at the version that was expected; `version` is what it is at, 0 if none."""

    def __init__(self, key: str, version: int) -> None:
        super().__init__(f"{key} is at version {version}")
        self.version = version


class Value(msgspec.Struct, frozen=True):
    """What is kept under a key. `version` counts its changes, from 1."""

    key: str
    data: bytes
    version: int


class Account(NamedTuple):
    """Something that is limited: a budget, a rate, a number of requests at once."""

    scope: str
    name: str


OnDeath = Literal["journal", "charge", "drop"]
"""What becomes of the amounts that a dead owner held.

"journal": they count as spent until its journal has been posted, which says what was.
"charge": they count as spent for good, for accounts that no journal has. "drop": they are free
again, for accounts of what is only occupied.
"""


class Claim(msgspec.Struct, frozen=True):
    """What is wanted on one account: at least `need`, or all claims of the call fail; `want` if
    there is room.

    Of what has been spent, the buckets from `since` on count; they are numbered by the second of
    the store's clock at which they begin. What counts as spent at an owner's death goes into the
    `bucket` of its last claim on the account, in the way of that claim's `on_death`.
    """

    account: Account
    limit: int
    need: int
    want: int
    bucket: int
    since: int
    on_death: OnDeath = "journal"


class Balance(msgspec.Struct, frozen=True):
    """The state of an account: what was spent since a bucket, and what is held for all owners."""

    spent: int
    held: int


class Acquired(msgspec.Struct, frozen=True):
    """What `acquire` gave: amounts in the order of the claims, none below what was needed.

    Where one claim had no room nothing was given: `granted` is empty and `refused` is the place of
    the first such claim. `balances` are those of all claims, after what was given; `now` is the
    store's time.
    """

    granted: tuple[int, ...]
    balances: tuple[Balance, ...]
    now: float
    refused: int | None = None


class Debit(NamedTuple):
    """An amount spent on an account, in the bucket in which it counts; below 0 it is a refund."""

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
    """One posting. `record` is kept under `scope` and `time` if it is not empty; what is debited is
    taken from what is held for the owner.
    """

    scope: str
    time: float
    record: bytes = b""
    debits: tuple[Debit, ...] = ()
    tallies: tuple[Tally, ...] = ()


class Lease(msgspec.Struct, frozen=True):
    """What the store knows of an owner.

    `posted` is the number of the last posting that it has: a number below the one that it has
    confirmed before means that it has lost what came after. `alive` is whether the lease has run
    on since the owner's last `restate`; else, as for an owner that is new to the store, it must
    `restate` what it holds, and is not alive until it has. A store that may have lost what is held
    says so too.
    """

    posted: int
    alive: bool
    now: float


class Record(msgspec.Struct, frozen=True):
    """One kept record; `place`, as text, orders those of a scope, and is where reading goes on."""

    place: str
    time: float
    data: bytes


class Store(ABC):
    """Shared state. All methods raise StoreUnavailable when the store does not answer in time.

    None of them hangs: a store has deadlines of its own, a fraction of a second long where
    a request waits.
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
        """Keep a value, for `ttl` seconds if given, and give its version.

        With `expect` only if it is at that version, 0 for none yet; else raises Conflict.
        """

    @abstractmethod
    async def delete(self, scope: str, key: str, *, expect: int | None = None) -> bool:
        """Forget a value; whether there was one. Raises Conflict as `put` does."""

    @abstractmethod
    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        """The values whose keys begin with `prefix` and come after `after`, in the keys' order."""

    # The ledger

    @abstractmethod
    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        """Hold amounts on several accounts for an owner: on all of them, or on none, in one step.

        Makes the owner's lease run for `lease` seconds from now, whatever is given. Leases that
        have run out, also its own, are ended before anything is counted.
        """

    @abstractmethod
    async def give_back(self, owner: str, amounts: Mapping[Account, int]) -> None:
        """Hold so much less for the owner, at the least nothing."""

    @abstractmethod
    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        """Keep the owner's entries, numbered from `first` on; the number of the last one it has.

        The first of all is 1. Those that it has already are passed over. A gap is refused, unless
        `gap` allows it: nothing is kept, and the number says after which one to go on. All in one
        step. What is spent is taken from what counts as spent since the owner's lease ran out, the
        oldest bucket first, and then from what is held for it.
        """

    @abstractmethod
    async def renew(self, owner: str, *, lease: float) -> Lease:
        """Make the lease run for `lease` seconds from now, also of an owner not known so far."""

    @abstractmethod
    async def restate(self, owner: str, held: Mapping[Account, int], *, lease: float) -> None:
        """Replace what is held for the owner, or was counted as spent when its lease ran out.

        What was charged stays charged. Of an account that it has not held the store knows no claim:
        at death what is stated counts as "journal", in a bucket of now.
        """

    @abstractmethod
    async def close_owner(self, owner: str) -> None:
        """End an owner whose journal is posted to its end, whether its lease has run out or not.

        What it held on accounts of "journal" is free again, also if it was counted as spent. Its
        postings are known by their numbers for a day at least.
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
        """The records of times in [since, until), in order, those that come after a place."""

    @abstractmethod
    async def scopes(self) -> list[str]:
        """The scopes that have records or tallies, in order."""

    @abstractmethod
    async def forget_records(self, before: float) -> int:
        """Delete the records from before a time; how many those were. Tallies stay."""

    # Messages

    @abstractmethod
    async def publish(self, channel: str, message: bytes) -> None:
        """Tell all who listen to a channel, in this process and in others, within a second."""

    @abstractmethod
    def listen(self, channel: str) -> AsyncIterator[bytes | None]:
        """What is published on a channel from now on.

        None means that messages may have been missed, as after a lost connection. The first is
        None, once it listens: what is read then is not older than what is heard afterwards.
        """

    # The store itself

    @abstractmethod
    async def time(self) -> float:
        """The store's clock, in seconds since 1970."""

    @abstractmethod
    async def health(self) -> str | None:
        """None when well, else what is wrong, for /ready."""
