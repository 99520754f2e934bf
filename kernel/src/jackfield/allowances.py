"""Reserving under limits: from slices held in advance, and from the store when those run out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, Protocol

from attrs import define, field

from jackfield._purses import Purse
from jackfield._slices import Limit, Reservation, Slice
from jackfield._waiting import LimitReached, Line, Wish
from jackfield.store import Account, Acquired, Claim, Debit, StoreUnavailable

__all__ = ["Allowances", "Holder", "Limit", "LimitReached", "Reservation"]

TICK: Final = 0.2
"""Seconds between looks at what lies idle: after two of them it is given back."""

SOON: Final = 0.004
"""Seconds for which what is left over of scarce accounts is gathered, to go back together."""

_MOST_PURSES: Final = 4096


class Holder(Protocol):
    """What allowances need of a `Ledger`."""

    def now(self) -> float:
        """The store's clock."""

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Hold amounts in the store. Raises StoreUnavailable."""

    def give_back(self, account: Account, amount: int) -> None:
        """Hold so much less, from the next posting on."""

    def on_restate(self, held: Callable[[], Mapping[Account, int]]) -> None:
        """Ask `held` what is held here, when the store has to be told anew."""

    async def flush(self) -> None:
        """Post now what has been spent and given back. Raises StoreUnavailable."""


@define(eq=False)
class Allowances:
    """What one process may spend of many accounts.

    Of each it holds a slice: amounts acquired in advance, at most one in a hundred of what is left
    and no more than is spent in seconds. Near the limit a slice is just what is needed. What lies
    idle goes back within half a second, and what is left over of a scarce account at once.

    An account stands once in the limits of one call. Belongs to the event loop's thread.
    """

    _holder: Holder
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _slices: dict[Account, Slice] = field(factory=dict, init=False)
    _purses: dict[int, Purse] = field(factory=dict, init=False)
    _lines: dict[tuple[Account, ...], Line] = field(factory=dict, init=False)
    _serving: set[asyncio.Task[None]] = field(factory=set, init=False)
    _left_over: dict[Account, Slice] = field(factory=dict, init=False)
    _going_back: asyncio.Task[None] | None = field(default=None, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._holder.on_restate(self.held)

    def try_reserve(self, limits: Sequence[Limit], amounts: Sequence[int]) -> Reservation | None:
        """Reserve from what is held here; None where that is not enough. Asks nobody."""
        purse = self._purse(limits)
        return purse.reserve(amounts) if purse is not None else None

    def try_spend(
        self, limits: Sequence[Limit], amounts: Sequence[int]
    ) -> tuple[Debit, ...] | None:
        """Spend at once from what is held here; None where that is not enough. Asks nobody.

        The caller hands the debits to the ledger before it waits for anything. Not for accounts
        whose amounts are only occupied ("drop").
        """
        purse = self._purse(limits)
        return purse.spend(amounts) if purse is not None else None

    async def reserve(self, limits: Sequence[Limit], amounts: Sequence[int]) -> Reservation:
        """Reserve on all accounts or on none; what lacks is acquired from the store.

        Raises LimitReached when a limit has no room, and StoreUnavailable soon when the store is
        needed and does not answer.
        """
        reservation = self.try_reserve(limits, amounts)
        if reservation is not None:
            return reservation
        done: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        self._line(limits, amounts).add(Wish(limits, amounts, done))
        try:
            return await done
        except asyncio.CancelledError:
            if done.done() and not done.cancelled() and done.exception() is None:
                done.result().release()
            raise

    def remaining(self, limit: Limit) -> int | None:
        """What is left of a limit as far as this process knows; None when it knows nothing."""
        piece = self._slices.get(limit.account)
        if piece is None or piece.left is None:
            return None
        left = piece.left + piece.available
        return left if left > 0 else 0

    def standing(self, limit: Limit, now: float) -> tuple[int, float] | None:
        """What is left of a limit, as `remaining`, and when what is spent now stops to count."""
        piece = self._slices.get(limit.account)
        if piece is None or piece.left is None:
            return None
        left = piece.left + piece.available
        resets_at = piece.resets_at if now < piece.until else limit.window.span(now).resets_at
        return left if left > 0 else 0, resets_at

    def tightest(self, limits: Sequence[Limit]) -> tuple[int, int] | None:
        """The place of the limit of which the smallest part is left, and what is left of it.

        None when this process knows nothing of any.
        """
        place, least, left = -1, inf, 0
        for at, limit in enumerate(limits):
            piece = self._slices.get(limit.account)
            if piece is None or piece.left is None:
                continue
            known = piece.left + piece.available
            part = known / limit.amount if limit.amount else 0.0
            if part < least:
                place, least, left = at, part, known
        return None if place < 0 else (place, left if left > 0 else 0)

    def held(self) -> dict[Account, int]:
        """What is available or reserved here, by account."""
        held = {a: one.available + one.reserved + one.past for a, one in self._slices.items()}
        return {account: amount for account, amount in held.items() if amount > 0}

    async def stop(self) -> None:
        """Give back all that is not reserved."""
        if self._timer is not None:
            self._timer.cancel()
        if self._going_back is not None:
            await asyncio.wait([self._going_back])
        for piece in self._slices.values():
            self._give(piece, piece.available)
        await self._post()

    # What those who wait ask for

    def now(self) -> float:
        """The store's clock."""
        return self._holder.now()

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Ask the store."""
        return await self._holder.acquire(claims)

    def slice_of(self, limit: Limit) -> Slice:
        """What is known of the limit's account, by this limit and at this moment."""
        piece = self._slices.get(limit.account)
        if piece is None:
            piece = self._slices[limit.account] = Slice(limit, limit.account)
            self._loop = asyncio.get_running_loop()
            if self._timer is None:
                self._arm()
        elif not piece.goes_by(limit):
            self._give(piece, piece.available)  # It was right under the limit of before.
            self.soon(piece)
            self._purses.clear()
            piece.follow(limit)
        now = self._holder.now()
        if now >= piece.until:
            piece.turn(now)
        return piece

    def soon(self, piece: Slice) -> None:
        """Give what is left over of a scarce account to others."""
        self._left_over[piece.account] = piece
        if self._going_back is None:
            self._going_back = self._loop.create_task(self._go_back())

    async def gone_back(self, limits: Sequence[Limit]) -> None:
        """Wait while something of these accounts is on its way back."""
        task = self._going_back
        if task is not None and any(limit.account in self._left_over for limit in limits):
            await asyncio.wait([task])

    def _line(self, limits: Sequence[Limit], amounts: Sequence[int]) -> Line:
        """Where those wait who lack the same."""
        wanted = zip(limits, amounts, strict=True)
        lacking = tuple([limit.account for limit, n in wanted if self.slice_of(limit).lacks(n)])
        line = self._lines.get(lacking)
        if line is None:
            line = self._lines[lacking] = Line(self)
            task = self._loop.create_task(self._serve(lacking, line))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return line

    async def _serve(self, lacking: tuple[Account, ...], line: Line) -> None:
        await line.serve()
        del self._lines[lacking]

    def _purse(self, limits: Sequence[Limit]) -> Purse | None:
        """The slices of limits at this moment; None where one has none."""
        # Callers keep their limits in one tuple, which is alive as long as its purse, so that its
        # id tells it; to hash the limits takes longer than all the rest.
        purse = self._purses.get(id(limits)) or self._gather(limits)
        if purse is not None:
            now = self._holder.now()
            if now >= purse.until:
                purse.turn(now)
        return purse

    def _gather(self, limits: Sequence[Limit]) -> Purse | None:
        slices = []
        for limit in limits:
            piece = self._slices.get(limit.account)
            if piece is None or not piece.goes_by(limit):
                return None
            slices.append(piece)
        purse = Purse(limits, tuple(slices), self.soon)
        if isinstance(limits, tuple):
            if len(self._purses) >= _MOST_PURSES:
                self._purses.clear()
            self._purses[id(limits)] = purse
        return purse

    # What goes back

    def _arm(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for piece in list(self._slices.values()):
            piece.tick()
            self._give(piece, piece.surplus())
            if piece.idle:
                del self._slices[piece.account]
                self._purses.clear()
            elif piece.indebted:
                self.soon(piece)
        if self._slices:
            self._arm()

    def _give(self, piece: Slice, amount: int) -> None:
        """Give back so much of what is available, and all that is past."""
        back = max(0, amount) + piece.past
        if back:
            piece.available, piece.past = piece.available + piece.past - back, 0
            if piece.left is not None:
                piece.left += back
            self._holder.give_back(piece.account, back)

    async def _go_back(self) -> None:
        """Give back what is left over, until there is no more of it."""
        try:
            await asyncio.sleep(SOON)
            while self._left_over:
                await self._give_left_over()
        finally:
            self._going_back = None

    async def _give_left_over(self) -> None:
        pieces = dict(self._left_over)
        changes = {account: piece.changes for account, piece in pieces.items()}
        for piece in pieces.values():
            self._give(piece, piece.available)
        posted = await self._post()
        for account, piece in pieces.items():
            unchanged = piece.changes == changes[account]
            if posted and unchanged and piece.indebted:
                piece.available = 0
            if unchanged or not posted:
                del self._left_over[account]

    async def _post(self) -> bool:
        """Whether the store has all that was spent and given back; else it gets it later."""
        try:
            await self._holder.flush()
        except StoreUnavailable:
            return False
        return True
