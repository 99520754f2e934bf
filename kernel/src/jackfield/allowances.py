"""Reservations within limits: from slices held in advance, else from the store."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, Protocol

from attrs import define, field

from jackfield._slice_sets import SliceSet
from jackfield._slices import Limit, Reservation, Slice
from jackfield._wait_queue import LimitReached, Waiter, WaitQueue
from jackfield.store import Account, Acquired, Claim, Debit, StoreUnavailable

__all__ = ["Allowances", "Holder", "Limit", "LimitReached", "Reservation"]

TICK: Final = 0.2
"""Seconds between checks for idle amounts; after two checks they are given back."""

COLLECT_SECONDS: Final = 0.004
"""Seconds for which the rest of scarce accounts is collected, to be given back together."""

_MOST_SLICE_SETS: Final = 4096


class Holder(Protocol):
    """The part of `Ledger` that allowances use."""

    def now(self) -> float:
        """The store's clock."""

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Hold amounts in the store. Raises StoreUnavailable."""

    def give_back(self, account: Account, amount: int) -> None:
        """Reduce what is held, with the next posting."""

    def on_restate(self, held: Callable[[], Mapping[Account, int]]) -> None:
        """Register a callback that returns what is held here, for restating to the store."""

    async def flush(self) -> None:
        """Post now what has been spent and given back. Raises StoreUnavailable."""


@define(eq=False)
class Allowances:
    """What one process may spend on many accounts.

    It holds a slice of each account: an amount acquired in advance, at most one hundredth of what
    is left and no more than is spent within seconds. Near the limit a slice is exactly what is
    needed. Idle amounts go back within half a second, and the rest of a scarce account at once.

    The limits of one call must name each account only once. Use it only in the event loop's thread.
    """

    _holder: Holder
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _slices: dict[Account, Slice] = field(factory=dict, init=False)
    _slice_sets: dict[int, SliceSet] = field(factory=dict, init=False)
    _queues: dict[tuple[Account, ...], WaitQueue] = field(factory=dict, init=False)
    _serving: set[asyncio.Task[None]] = field(factory=set, init=False)
    _left_over: dict[Account, Slice] = field(factory=dict, init=False)
    _giving_back: asyncio.Task[None] | None = field(default=None, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._holder.on_restate(self.held)

    def try_reserve(self, limits: Sequence[Limit], amounts: Sequence[int]) -> Reservation | None:
        """Reserve from what is held here; None if that is not enough. Does no I/O."""
        slice_set = self._slice_set(limits)
        return slice_set.reserve(amounts) if slice_set is not None else None

    def try_spend(
        self, limits: Sequence[Limit], amounts: Sequence[int]
    ) -> tuple[Debit, ...] | None:
        """Spend at once from what is held here; None if that is not enough. Does no I/O.

        The caller must pass the debits to the ledger before its next await. Not for accounts whose
        amounts are only occupied ("drop").
        """
        slice_set = self._slice_set(limits)
        return slice_set.spend(amounts) if slice_set is not None else None

    async def reserve(self, limits: Sequence[Limit], amounts: Sequence[int]) -> Reservation:
        """Reserve on all accounts or on none; what is missing is acquired from the store.

        Raises LimitReached when a limit has no room, and StoreUnavailable soon when the store is
        needed and does not answer.
        """
        reservation = self.try_reserve(limits, amounts)
        if reservation is not None:
            return reservation
        done: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        self._queue_for(limits, amounts).add(Waiter(limits, amounts, done))
        try:
            return await done
        except asyncio.CancelledError:
            if done.done() and not done.cancelled() and done.exception() is None:
                done.result().release()
            raise

    def remaining(self, limit: Limit) -> int | None:
        """What is left of a limit as far as this process knows; None if unknown."""
        piece = self._slices.get(limit.account)
        if piece is None or piece.left is None:
            return None
        left = piece.left + piece.available
        return left if left > 0 else 0

    def standing(self, limit: Limit, now: float) -> tuple[int, float] | None:
        """What is left of a limit, as `remaining`, and when what is spent now stops counting."""
        piece = self._slices.get(limit.account)
        if piece is None or piece.left is None:
            return None
        left = piece.left + piece.available
        resets_at = piece.resets_at if now < piece.until else limit.window.span(now).resets_at
        return left if left > 0 else 0, resets_at

    def tightest(self, limits: Sequence[Limit]) -> tuple[int, int] | None:
        """The index of the limit with the smallest fraction left, and what is left of it.

        None if this process knows nothing about any of them.
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
        """Give back everything that is not reserved."""
        if self._timer is not None:
            self._timer.cancel()
        if self._giving_back is not None:
            await asyncio.wait([self._giving_back])
        for piece in self._slices.values():
            self._give(piece, piece.available)
        await self._post()

    # Called by wait queues

    def now(self) -> float:
        """The store's clock."""
        return self._holder.now()

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Acquire amounts from the store."""
        return await self._holder.acquire(claims)

    def slice_of(self, limit: Limit) -> Slice:
        """The slice of the limit's account, updated to this limit and the current time."""
        piece = self._slices.get(limit.account)
        if piece is None:
            piece = self._slices[limit.account] = Slice(limit, limit.account)
            self._loop = asyncio.get_running_loop()
            if self._timer is None:
                self._start_timer()
        elif not piece.has_limit(limit):
            self._give(piece, piece.available)  # It was sized for the old limit.
            self.schedule_give_back(piece)
            self._slice_sets.clear()
            piece.change_limit(limit)
        now = self._holder.now()
        if now >= piece.until:
            piece.advance(now)
        return piece

    def schedule_give_back(self, piece: Slice) -> None:
        """Schedule giving back what is left over of a scarce account."""
        self._left_over[piece.account] = piece
        if self._giving_back is None:
            self._giving_back = self._loop.create_task(self._drain_left_over())

    async def wait_for_give_back(self, limits: Sequence[Limit]) -> None:
        """Wait while amounts of these accounts are being given back."""
        task = self._giving_back
        if task is not None and any(limit.account in self._left_over for limit in limits):
            await asyncio.wait([task])

    def _queue_for(self, limits: Sequence[Limit], amounts: Sequence[int]) -> WaitQueue:
        """The queue of callers that lack the same accounts."""
        needs = zip(limits, amounts, strict=True)
        lacking = tuple([limit.account for limit, n in needs if self.slice_of(limit).shortfall(n)])
        queue = self._queues.get(lacking)
        if queue is None:
            queue = self._queues[lacking] = WaitQueue(self)
            task = self._loop.create_task(self._serve(lacking, queue))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return queue

    async def _serve(self, lacking: tuple[Account, ...], queue: WaitQueue) -> None:
        await queue.serve()
        del self._queues[lacking]

    def _slice_set(self, limits: Sequence[Limit]) -> SliceSet | None:
        """The slices of these limits at the current time; None if one has none."""
        # Keyed by `id`, as hashing the limits takes longer than everything else here. The set
        # keeps the callers' tuple of limits alive, so its id is not reused.
        slice_set = self._slice_sets.get(id(limits)) or self._create_slice_set(limits)
        if slice_set is not None:
            now = self._holder.now()
            if now >= slice_set.until:
                slice_set.advance(now)
        return slice_set

    def _create_slice_set(self, limits: Sequence[Limit]) -> SliceSet | None:
        slices = []
        for limit in limits:
            piece = self._slices.get(limit.account)
            if piece is None or not piece.has_limit(limit):
                return None
            slices.append(piece)
        slice_set = SliceSet(limits, tuple(slices), self.schedule_give_back)
        if isinstance(limits, tuple):
            if len(self._slice_sets) >= _MOST_SLICE_SETS:
                self._slice_sets.clear()
            self._slice_sets[id(limits)] = slice_set
        return slice_set

    # Giving back

    def _start_timer(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for piece in list(self._slices.values()):
            piece.tick()
            self._give(piece, piece.surplus())
            if piece.idle:
                del self._slices[piece.account]
                self._slice_sets.clear()
            elif piece.indebted:
                self.schedule_give_back(piece)
        if self._slices:
            self._start_timer()

    def _give(self, piece: Slice, amount: int) -> None:
        """Give back this much of what is available, and everything that is past."""
        back = max(0, amount) + piece.past
        if back:
            piece.available, piece.past = piece.available + piece.past - back, 0
            if piece.left is not None:
                piece.left += back
            self._holder.give_back(piece.account, back)

    async def _drain_left_over(self) -> None:
        """Give back what is left over until nothing remains."""
        try:
            await asyncio.sleep(COLLECT_SECONDS)
            while self._left_over:
                await self._give_back_left_over()
        finally:
            self._giving_back = None

    async def _give_back_left_over(self) -> None:
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
        """Flush, and return whether the store has it all; if not, it is sent later."""
        try:
            await self._holder.flush()
        except StoreUnavailable:
            return False
        return True
