"""The slices for one set of limits, looked up once for similar requests."""

from collections.abc import Callable, Sequence
from math import inf

from attrs import define, field

from jackfield._slices import Limit, Reservation, Slice, debit_of
from jackfield.store import Debit


@define(eq=False)
class SliceSet:
    """The slices for some limits, with the current parts of their windows.

    Valid as long as the limits still have these slices: see `Allowances`.
    """

    limits: Sequence[Limit]
    slices: tuple[Slice, ...]
    _left_over: Callable[[Slice], None]
    until: float = field(default=-inf, init=False)
    _buckets: tuple[int, ...] = field(default=(), init=False)

    def advance(self, now: float) -> None:
        """Advance to the current parts of the windows."""
        for piece in self.slices:
            if now >= piece.until:
                piece.advance(now)
        self.until = min([piece.until for piece in self.slices], default=inf)
        self._buckets = tuple([piece.bucket for piece in self.slices])

    def reserve(self, amounts: Sequence[int]) -> Reservation | None:
        """Reserve an amount of each slice, or nothing if one has too little."""
        slices = self.slices
        for at, piece in enumerate(slices):  # `zip` with `strict` takes twice as long
            if piece.available < amounts[at]:
                return None
        for at, piece in enumerate(slices):
            amount = amounts[at]
            piece.available -= amount
            piece.reserved += amount
            piece.demand += amount
            if not amount:
                piece.users += 1
        return Reservation(slices, self._buckets, amounts, self._left_over)

    def spend(self, amounts: Sequence[int]) -> tuple[Debit, ...] | None:
        """Spend an amount of each slice, or nothing if one has too little."""
        slices = self.slices
        for at, piece in enumerate(slices):
            if piece.available < amounts[at]:
                return None
        debits = []
        for at, piece in enumerate(slices):
            amount = amounts[at]
            piece.available -= amount
            piece.demand += amount
            piece.changes += 1
            debits.append(debit_of(piece, self._buckets[at], amount))
        return tuple(debits)
