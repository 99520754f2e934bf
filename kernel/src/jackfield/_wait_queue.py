"""Callers that wait for the store: one call for all that lack the same accounts."""

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

_RETRY_SECONDS: Final = 0.03
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
class Waiter:
    """One waiting caller; `done` gets its reservation, or the error that it waits in vain."""

    limits: Sequence[Limit]
    amounts: Sequence[int]
    done: asyncio.Future[Reservation]
    retried: bool = False


@define(eq=False)
class WaitQueue:
    """Callers that lacked the same accounts; one store call for the first serves the others too."""

    _allowances: "Allowances"
    _waiters: deque[Waiter] = field(factory=deque)

    def add(self, waiter: Waiter) -> None:
        """Add a waiting caller."""
        self._waiters.append(waiter)

    async def serve(self) -> None:
        """Reserve for all waiting callers or refuse them, including those that arrive meanwhile."""
        while self._waiters:
            first = self._waiters[0]
            try:
                if first.done.done() or self._try_reserve(first):
                    self._waiters.popleft()
                else:
                    await self._acquire(first)
            except Exception as error:  # noqa: BLE001 - raised in the waiting callers
                self._fail(error)

    def _try_reserve(self, waiter: Waiter) -> bool:
        for limit in waiter.limits:
            self._allowances.slice_of(limit)
        reservation = self._allowances.try_reserve(waiter.limits, waiter.amounts)
        if reservation is None:
            return False
        waiter.done.set_result(reservation)
        return True

    def _fail(self, error: Exception) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done.done():
                waiter.done.set_exception(error)

    async def _acquire(self, first: Waiter) -> None:
        """Acquire what the first caller lacks, and reserve the rest of it meanwhile."""
        await self._allowances.wait_for_give_back(first.limits)
        slices = [self._allowances.slice_of(limit) for limit in first.limits]
        missing = [slice_.shortfall(n) for slice_, n in zip(slices, first.amounts, strict=True)]
        lacking = [(slice_, lack) for slice_, lack in zip(slices, missing, strict=True) if lack]
        if not lacking:
            return
        now = self._allowances.now()
        claims = [slice_.claim(lack, self._more(slice_.account), now) for slice_, lack in lacking]
        reserved = [max(0, n - lack) for n, lack in zip(first.amounts, missing, strict=True)]
        with _reserved(slices, reserved):
            acquired = await self._allowances.acquire(claims)
        for (slice_, lack), balance in zip(lacking, acquired.balances, strict=True):
            slice_.learn(balance, lack)
        if acquired.refused is None:
            for (slice_, _), claim, granted in zip(lacking, claims, acquired.granted, strict=True):
                slice_.take(granted, claim)
            return
        refused = lacking[acquired.refused][0]
        if _may_be_released(refused, acquired) and not first.retried:
            first.retried = True
            await asyncio.sleep(_RETRY_SECONDS)
            return
        self._refuse(acquired, [slice_.account for slice_, _ in lacking])
        if refused.available > 0:
            self._allowances.schedule_give_back(refused)

    def _more(self, account: Account) -> int:
        """How much of an account the other waiting callers want."""
        return sum(
            amount
            for waiter in islice(self._waiters, 1, None)
            for limit, amount in zip(waiter.limits, waiter.amounts, strict=True)
            if limit.account == account
        )

    def _refuse(self, acquired: Acquired, accounts: Sequence[Account]) -> None:
        """Refuse the first caller and all others for which there is no room either."""
        balances = dict(zip(accounts, acquired.balances, strict=True))
        remaining: deque[Waiter] = deque()
        for waiter in self._waiters:
            refused = accounts[acquired.refused or 0] if waiter is self._waiters[0] else None
            at = self._without_room(waiter, balances, refused)
            if at is None:
                remaining.append(waiter)
            elif not waiter.done.done():
                limit = waiter.limits[at]
                resets_at = limit.window.span(acquired.now).resets_at
                need, balance = waiter.amounts[at], balances[limit.account]
                waiter.done.set_exception(LimitReached(limit, need, balance, resets_at))
        self._waiters = remaining

    def _without_room(
        self, waiter: Waiter, balances: Mapping[Account, Balance], refused: Account | None
    ) -> int | None:
        """The index of the caller's limit without room: the refused one, or the first such."""
        for at, (limit, amount) in enumerate(zip(waiter.limits, waiter.amounts, strict=True)):
            if refused is not None:
                if limit.account == refused:
                    return at
            elif (balance := balances.get(limit.account)) is not None:
                room = limit.amount - balance.spent - balance.held
                if self._allowances.slice_of(limit).shortfall(amount) > room:
                    return at
        return None


def _may_be_released(slice_: Slice, acquired: Acquired) -> bool:
    """Whether other processes hold some of it that they may soon give back.

    That is a concurrency slot, or the unused part of a call's reservation. Amounts that count in a
    rate are seldom given back so soon.
    """
    if acquired.refused is None or slice_.limit.on_death == "charge":
        return False
    return acquired.balances[acquired.refused].held > slice_.available + slice_.reserved


@contextmanager
def _reserved(slices: Sequence[Slice], amounts: Sequence[int]) -> Iterator[None]:
    """Reserve amounts for a waiting caller, and keep their slices meanwhile."""
    for slice_, amount in zip(slices, amounts, strict=True):
        slice_.users += 1
        slice_.available -= amount
        slice_.reserved += amount
    try:
        yield
    finally:
        for slice_, amount in zip(slices, amounts, strict=True):
            slice_.users -= 1
            slice_.reserved -= amount
            slice_.free(amount)
