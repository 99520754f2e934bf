"""Callers that wait for the store: one call for all who lack the same accounts."""

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
"""Seconds before a second attempt to get what others hold."""


class LimitReached(Exception):
    """A limit has no room for what is needed. `resets_at` is when current spending expires.

    `need` is the amount to be reserved, `balance` the store's balance of the account.
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
    """Callers that lacked the same accounts; one store call for the first serves the others too."""

    _allowances: "Allowances"
    _wishes: deque[Wish] = field(factory=deque)

    def add(self, wish: Wish) -> None:
        """Add a waiting caller."""
        self._wishes.append(wish)

    async def serve(self) -> None:
        """Fulfil or refuse all wishes, including those that arrive meanwhile."""
        while self._wishes:
            front = self._wishes[0]
            try:
                if front.done.done() or self._fulfil(front):
                    self._wishes.popleft()
                else:
                    await self._acquire(front)
            except Exception as error:  # noqa: BLE001 - raised in the waiting callers
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
        """Acquire what the first wish lacks, and reserve the rest of it meanwhile."""
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
        """How much of an account the other wishes in the line want."""
        return sum(
            amount
            for wish in islice(self._wishes, 1, None)
            for limit, amount in zip(wish.limits, wish.amounts, strict=True)
            if limit.account == account
        )

    def _refuse(self, acquired: Acquired, asked: Sequence[Account]) -> None:
        """Refuse the first wish and all others for which there is no room either."""
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
        """The index of the wish's limit without room: the refused one, or the first such."""
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
    """Whether other processes hold some of it that they may soon give back.

    That is a concurrency slot, or the unused part of a call's reservation. Amounts that count in a
    rate are seldom given back so soon.
    """
    at = acquired.refused
    mine = piece.available + piece.reserved
    return piece.limit.on_death != "charge" and at is not None and acquired.balances[at].held > mine


@contextmanager
def _kept(pieces: Sequence[Slice], amounts: Sequence[int]) -> Iterator[None]:
    """Reserve amounts for a waiting caller, and keep their slices meanwhile."""
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
