"""What this process may spend of an account without asking the store."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from attrs import define, field

from jackfield.store import Account, Balance, Claim, Debit, OnDeath
from jackfield.windows import Window

SHARE: Final = 100
"""A slice is at most one part in so many of what is left of the limit."""

SCARCE: Final = 16
"""An account is scarce when what is left is less than so many times what was needed."""

AHEAD: Final = 5
"""Seconds for which what is acquired may be spent at the least."""

TICKS: Final = 8
"""A slice is at most what is reserved in so many ticks."""

_new: Final = tuple.__new__  # `Debit(…)` takes twice as long


class Limit(msgspec.Struct, frozen=True):
    """How much may be spent of an account in a window. `on_death` is as for a claim."""

    account: Account
    amount: int
    window: Window
    on_death: OnDeath = "journal"


@define(eq=False)
class Slice:
    """One account as this process knows it.

    What the store holds of it for this process is `available + reserved + past`, and what was spent
    and is not posted yet. `available` is below 0 when more was spent than had been reserved. Should
    this process be gone, what it held counts as spent in the part of the window called `reach`, so
    it may be spent until then and no later: `past` is what was not, and goes back. `left` is what
    nobody held or had spent when the store was asked last. `users` counts the calls under way and
    the reservations of nothing: what must not be forgotten.
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

    def turn(self, now: float) -> None:
        """Go on to the part of the window that is now."""
        span = self.limit.window.span(now)
        if self.left is not None and span.since >= self.until > 0:
            self.left = max(0, self.limit.amount - self.available - self.reserved - self.past)
        self.bucket, self.since, self.resets_at = span
        self.until = self.limit.window.until(now)
        self.free(0)

    def goes_by(self, limit: Limit) -> bool:
        """Whether this is its limit, or one that is the same."""
        if limit is self.limit:
            return True
        if limit != self.limit:
            return False
        self.limit = limit
        return True

    def follow(self, limit: Limit) -> None:
        """Go by another limit from now on."""
        self.left, self.until = None, -1.0
        self.limit = limit
        self.occupies = limit.on_death == "drop"

    def lacks(self, amount: int) -> int:
        """How much has to be acquired to reserve an amount; a debt is paid with it.

        What is past is at hand again once anything is acquired.
        """
        return max(1, amount - self.available - self.past) if amount > self.available else 0

    def free(self, amount: int) -> None:
        """Have so much more available, for as long as it may be spent."""
        self.available += amount
        if self.bucket > self.reach and self.available > 0:
            self.past, self.available = self.past + self.available, 0

    def claim(self, need: int, more: int, now: float) -> Claim:
        """Ask for what is needed, for `more` that others wait for, and for a slice."""
        limit = self.limit
        share = self._share()
        want = need + more + (share if share >= need else 0)
        reach = limit.window.span(now + AHEAD).bucket
        return Claim(self.account, limit.amount, need, want, reach, self.since, limit.on_death)

    def take(self, granted: int, claim: Claim) -> None:
        """Have available what was granted, and what was past: all that is held reaches as far."""
        self.reach, at_hand, self.past = claim.bucket, granted + self.past, 0
        self.free(at_hand)

    def learn(self, balance: Balance, need: int) -> None:
        """Note what the store said of the account."""
        self.left = max(0, self.limit.amount - balance.spent - balance.held)
        self.scarce = self.left < SCARCE * need

    def surplus(self) -> int:
        """What is available above what is soon needed."""
        return max(0, self.available - self._share()) if self.available > 0 else 0

    def tick(self) -> None:
        """Forget what was reserved before the last tick."""
        self.earlier, self.demand = self.demand, 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        held = self.available or self.reserved or self.past
        return not (held or self.demand or self.earlier or self.users)

    @property
    def indebted(self) -> bool:
        """Whether more was spent than was ever held, and nothing is under way to pay it with."""
        return self.available < 0 and not (self.reserved or self.users or self.demand)

    def _share(self) -> int:
        if not self.left:
            return 0
        return min(self.left // SHARE, TICKS * max(self.demand, self.earlier))


class Reservation:
    """Amounts that are held until they are settled or released, which is done once."""

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
        """What is reserved, in the order of the limits."""
        return tuple(self._amounts)

    def over(self, amounts: Sequence[int]) -> int:
        """How much more of any limit amounts are than is reserved of it."""
        most = 0
        for at, held in enumerate(self._amounts):
            most = max(most, amounts[at] - held)
        return most

    def split(self, count: int) -> "tuple[Reservation, Reservation]":
        """Two reservations in the place of this one: of the first `count` limits, and the rest."""
        if not self._open:
            raise RuntimeError("a reservation is settled once")
        self._open = False
        slices, buckets, amounts = self._slices, self._buckets, self._amounts
        first = Reservation(slices[:count], buckets[:count], amounts[:count], self._left_over)
        rest = Reservation(slices[count:], buckets[count:], amounts[count:], self._left_over)
        return first, rest

    def debits(self) -> tuple[Debit, ...]:
        """What is to be posted if all of it is spent."""
        amounts, buckets = self._amounts, self._buckets
        return tuple(
            [
                _new(Debit, (piece.account, buckets[at], amounts[at]))
                for at, piece in enumerate(self._slices)
                if amounts[at] and not piece.occupies
            ]
        )

    def settle(self, amounts: Sequence[int]) -> tuple[Debit, ...]:
        """Spend what was really used and free the rest; what is to be posted of it.

        The caller hands the debits to the ledger before it waits for anything. Of accounts whose
        amounts are only occupied ("drop") nothing is spent: their amount is 0.
        """
        if not self._open:
            raise RuntimeError("a reservation is settled once")
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
        """Free all of it: nothing was spent. Nothing happens when it has been settled."""
        if self._open:
            self.settle([0] * len(self._amounts))


def debit_of(piece: Slice, bucket: int, amount: int) -> Debit:
    """An amount of an account that is spent."""
    return _new(Debit, (piece.account, bucket, amount))
