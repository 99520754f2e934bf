"""The part of an account that this process may spend without asking the store."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from attrs import define, field

from jackfield.store import Account, Balance, Claim, Debit, OnDeath
from jackfield.windows import Window

SHARE: Final = 100
"""A slice is at most this fraction (1/SHARE) of what is left of the limit."""

SCARCE: Final = 16
"""An account is scarce when less than this many times the needed amount is left."""

AHEAD: Final = 5
"""Minimum seconds for which an acquired amount may be spent."""

TICKS: Final = 8
"""A slice is at most what is reserved in this many ticks."""

_new: Final = tuple.__new__  # `Debit(…)` takes twice as long


class Limit(msgspec.Struct, frozen=True):
    """How much may be spent on an account in a window. `on_death` is as in `Claim`."""

    account: Account
    amount: int
    window: Window
    on_death: OnDeath = "journal"


@define(eq=False)
class Slice:
    """One account as this process knows it.

    For this process the store holds `available + reserved + past`, plus what was spent and is not
    posted yet. `available` is negative when more was spent than had been reserved. If this process
    dies, what it held counts as spent in the part of the window called `reach`, so it may be spent
    until then and no later: `past` was not, and is given back. `left` is what nobody held or had
    spent when the store was last asked. `users` counts calls in progress and reservations of 0, for
    which the slice must not be dropped.
    """

    limit: Limit
    account: Account
    available: int = 0
    reserved: int = 0
    past: int = 0
    left: int | None = None
    scarce: bool = False
    demand: int = 0
    earlier: int = 0
    changes: int = 0
    users: int = 0
    bucket: int = 0
    reach: int = 0
    since: int = 0
    until: float = -1.0
    resets_at: float = 0.0
    occupies: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.occupies = self.limit.on_death == "drop"

    def advance(self, now: float) -> None:
        """Advance to the current part of the window."""
        span = self.limit.window.span(now)
        if self.left is not None and span.since >= self.until > 0:
            self.left = max(0, self.limit.amount - self.available - self.reserved - self.past)
        self.bucket, self.since, self.resets_at = span
        self.until = self.limit.window.until(now)
        self.free(0)

    def has_limit(self, limit: Limit) -> bool:
        """Whether this is its limit or an equal one."""
        if limit is self.limit:
            return True
        if limit != self.limit:
            return False
        self.limit = limit
        return True

    def change_limit(self, limit: Limit) -> None:
        """Switch to another limit."""
        self.left, self.until = None, -1.0
        self.limit = limit
        self.occupies = limit.on_death == "drop"

    def shortfall(self, amount: int) -> int:
        """How much must be acquired to reserve an amount, including any debt.

        What is past becomes available again once anything is acquired.
        """
        return max(1, amount - self.available - self.past) if amount > self.available else 0

    def free(self, amount: int) -> None:
        """Add to what is available, as long as it may still be spent."""
        self.available += amount
        if self.bucket > self.reach and self.available > 0:
            self.past, self.available = self.past + self.available, 0

    def claim(self, need: int, more: int, now: float) -> Claim:
        """A claim on what is needed, on `more` that others wait for, and on a slice."""
        limit = self.limit
        share = self._share()
        want = need + more + (share if share >= need else 0)
        reach = limit.window.span(now + AHEAD).bucket
        return Claim(self.account, limit.amount, need, want, reach, self.since, limit.on_death)

    def take(self, granted: int, claim: Claim) -> None:
        """Add what was granted and what was past to what is available, up to the new reach."""
        self.reach, added, self.past = claim.bucket, granted + self.past, 0
        self.free(added)

    def learn(self, balance: Balance, need: int) -> None:
        """Record the balance that the store returned."""
        self.left = max(0, self.limit.amount - balance.spent - balance.held)
        self.scarce = self.left < SCARCE * need

    def surplus(self) -> int:
        """What is available beyond what is needed soon."""
        return max(0, self.available - self._share()) if self.available > 0 else 0

    def tick(self) -> None:
        """Forget the demand before the last tick."""
        self.earlier, self.demand = self.demand, 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        held = self.available or self.reserved or self.past
        return not (held or self.demand or self.earlier or self.users)

    @property
    def indebted(self) -> bool:
        """Whether more was spent than was ever held, with nothing in progress to cover it."""
        return self.available < 0 and not (self.reserved or self.users or self.demand)

    def _share(self) -> int:
        if not self.left:
            return 0
        return min(self.left // SHARE, TICKS * max(self.demand, self.earlier))


class Reservation:
    """Amounts held until they are settled or released, which is done once."""

    __slots__ = ("_amounts", "_buckets", "_left_over", "_open", "_slices")

    def __init__(
        self,
        slices: Sequence[Slice],
        buckets: Sequence[int],
        amounts: Sequence[int],
        left_over: Callable[[Slice], None],
    ) -> None:
        self._slices = slices
        self._buckets = buckets
        self._amounts = amounts
        self._left_over = left_over
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether it has not been settled or released."""
        return self._open

    @property
    def amounts(self) -> tuple[int, ...]:
        """The reserved amounts, in the order of the limits."""
        return tuple(self._amounts)

    def over(self, amounts: Sequence[int]) -> int:
        """The largest excess of any of these amounts over what is reserved."""
        most = 0
        for at, held in enumerate(self._amounts):
            most = max(most, amounts[at] - held)
        return most

    def split(self, count: int) -> "tuple[Reservation, Reservation]":
        """Split this reservation in two: the first `count` limits, and the rest."""
        if not self._open:
            raise RuntimeError("this reservation is already settled")
        self._open = False
        slices, buckets, amounts = self._slices, self._buckets, self._amounts
        first = Reservation(slices[:count], buckets[:count], amounts[:count], self._left_over)
        rest = Reservation(slices[count:], buckets[count:], amounts[count:], self._left_over)
        return first, rest

    def debits(self) -> tuple[Debit, ...]:
        """The debits to post if all of it is spent."""
        amounts, buckets = self._amounts, self._buckets
        return tuple(
            [
                _new(Debit, (piece.account, buckets[at], amounts[at]))
                for at, piece in enumerate(self._slices)
                if amounts[at] and not piece.occupies
            ]
        )

    def settle(self, amounts: Sequence[int]) -> tuple[Debit, ...]:
        """Spend what was really used, free the rest, and return the debits to post.

        The caller must pass the debits to the ledger before its next await. On accounts whose
        amounts are only occupied ("drop") nothing is spent: their amount is 0.
        """
        if not self._open:
            raise RuntimeError("this reservation is already settled")
        self._open = False
        debits = []
        reserved, buckets = self._amounts, self._buckets
        for at, piece in enumerate(self._slices):  # `zip` with `strict` takes twice as long
            held, spent = reserved[at], amounts[at]
            piece.reserved -= held
            piece.available += held - spent
            if piece.bucket > piece.reach:
                piece.free(0)
            piece.changes += 1
            if not held:
                piece.users -= 1
            if piece.scarce and spent < held:
                self._left_over(piece)
            if spent and not piece.occupies:
                debits.append(_new(Debit, (piece.account, buckets[at], spent)))
        return tuple(debits)

    def release(self) -> None:
        """Free all of it: nothing was spent. Does nothing after `settle`."""
        if self._open:
            self.settle([0] * len(self._amounts))


def debit_of(piece: Slice, bucket: int, amount: int) -> Debit:
    """A debit of an amount spent on the slice's account."""
    return _new(Debit, (piece.account, bucket, amount))
