"""Those who wait for the store: one call for all who lack the same."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import define, field

from jackfield._slices import Limit, Reservation, Slice
from jackfield.store import Account, Acquired, Balance

if TYPE_CHECKING:
    from jackfield.allowances import Allowances

AGAIN: Final = 0.03
"""Seconds after which what others hold is asked for once more."""


class LimitReached(Exception):
    """A limit has no room for what is needed. `resets_at` is when what is spent now is forgotten.

    `need` is what was to be reserved, `balance` what the store said of the account.
    """

    def __init__(self, limit: Limit, need: int, balance: Balance, resets_at: float) -> None:
        super().__init__(f"{limit.account.name}: {need} more is over the limit of {limit.amount}")
        self.limit = limit
        self.need = need
        self.balance = balance
        self.resets_at = resets_at


@define(eq=False)
class Wish:
    """What one caller waits for."""

    limits: Sequence[Limit]
    amounts: Sequence[int]
    done: asyncio.Future[Reservation]
    tried: bool = False


@define(eq=False)
class Line:
    """Callers that lacked the same accounts; the first is asked for, the others come with it."""

    _allowances: "Allowances"
    _wishes: deque[Wish] = field(factory=deque)

    def add(self, wish: Wish) -> None:
        """Let one more wait."""
        self._wishes.append(wish)

    async def serve(self) -> None:
        """Fulfil or refuse all wishes, also those that come meanwhile."""
        while self._wishes:
            front = self._wishes[0]
            try:
                if front.done.done() or self._fulfil(front):
                    self._wishes.popleft()
                else:
                    await self._acquire(front)
            except Exception as error:  # noqa: BLE001 - it is raised where they wait
                self._fail(error)

    def _fulfil(self, wish: Wish) -> bool:
        for limit in wish.limits:
            self._allowances.slice_of(limit)
        reservation = self._allowances.try_reserve(wish.limits, wish.amounts)
        if reservation is None:
            return False
        wish.done.set_result(reservation)
        return True

    def _fail(self, error: Exception) -> None:
        while self._wishes:
            wish = self._wishes.popleft()
            if not wish.done.done():
                wish.done.set_exception(error)

    async def _acquire(self, front: Wish) -> None:
        """Ask the store for what the first lacks. What it need not lack is kept for it."""
        await self._allowances.gone_back(front.limits)
        pieces = [self._allowances.slice_of(limit) for limit in front.limits]
        lacks = [piece.lacks(n) for piece, n in zip(pieces, front.amounts, strict=True)]
        asked = [(piece, lack) for piece, lack in zip(pieces, lacks, strict=True) if lack]
        if not asked:
            return
        now = self._allowances.now()
        claims = [piece.claim(lack, self._more(piece.account), now) for piece, lack in asked]
        kept = [max(0, n - lack) for n, lack in zip(front.amounts, lacks, strict=True)]
        with _kept(pieces, kept):
            acquired = await self._allowances.acquire(claims)
        for (piece, lack), balance in zip(asked, acquired.balances, strict=True):
            piece.learn(balance, lack)
        if acquired.refused is None:
            for (piece, _), claim, granted in zip(asked, claims, acquired.granted, strict=True):
                piece.take(granted, claim)
            return
        refused = asked[acquired.refused][0]
        if _may_come_back(refused, acquired) and not front.tried:
            front.tried = True
            await asyncio.sleep(AGAIN)
            return
        self._refuse(acquired, [piece.account for piece, _ in asked])
        if refused.available > 0:
            self._allowances.soon(refused)

    def _more(self, account: Account) -> int:
        """What the others in the line want of an account."""
        return sum(
            amount
            for wish in islice(self._wishes, 1, None)
            for limit, amount in zip(wish.limits, wish.amounts, strict=True)
            if limit.account == account
        )

    def _refuse(self, acquired: Acquired, asked: Sequence[Account]) -> None:
        """Refuse the first wish, and all others for which there is no room either."""
        balances = dict(zip(asked, acquired.balances, strict=True))
        left: deque[Wish] = deque()
        for wish in self._wishes:
            first = asked[acquired.refused or 0] if wish is self._wishes[0] else None
            at = self._without_room(wish, balances, first)
            if at is None:
                left.append(wish)
            elif not wish.done.done():
                limit = wish.limits[at]
                resets_at = limit.window.span(acquired.now).resets_at
                need, balance = wish.amounts[at], balances[limit.account]
                wish.done.set_exception(LimitReached(limit, need, balance, resets_at))
        self._wishes = left

    def _without_room(
        self, wish: Wish, balances: Mapping[Account, Balance], refused: Account | None
    ) -> int | None:
        """The place of the limit of a wish that has no room for it: the refused one, or a first."""
        for at, (limit, amount) in enumerate(zip(wish.limits, wish.amounts, strict=True)):
            if refused is not None:
                if limit.account == refused:
                    return at
            elif (balance := balances.get(limit.account)) is not None:
                room = limit.amount - balance.spent - balance.held
                if self._allowances.slice_of(limit).lacks(amount) > room:
                    return at
        return None


def _may_come_back(piece: Slice, acquired: Acquired) -> bool:
    """Whether others hold some of it that they may give back at any moment.

    That is a place, or what a call has not used of all that was reserved for it. What counts in a
    rate is seldom given back so soon.
    """
    at = acquired.refused
    mine = piece.available + piece.reserved
    return piece.limit.on_death != "charge" and at is not None and acquired.balances[at].held > mine


@contextmanager
def _kept(pieces: Sequence[Slice], amounts: Sequence[int]) -> Iterator[None]:
    """Keep amounts for one who waits, and remember their accounts meanwhile."""
    for piece, amount in zip(pieces, amounts, strict=True):
        piece.users += 1
        piece.available -= amount
        piece.reserved += amount
    try:
        yield
    finally:
        for piece, amount in zip(pieces, amounts, strict=True):
            piece.users -= 1
            piece.reserved -= amount
            piece.free(amount)
