"""What the store holds for an owner: acquired, given back, and restated when in doubt."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from jackfield._ledger.outage import Outage
from jackfield.store import Account, Acquired, Claim, Store, StoreUnavailable

logger = logging.getLogger("jackfield.ledger")

_SETTLED = (1.0, 5.0)
"""Seconds after an outage at which holdings are restated, as late calls may still take effect."""

Amounts = Mapping[Account, int]


@define(eq=False)
class Holdings:
    """The amounts held for one owner.

    An amount that the store does not know can be spent twice; one that only the store knows is
    merely unused. So nothing is acquired during a restatement, and a failed give-back is not
    repeated.
    """

    _store: Store
    _owner: str
    _lease: float
    _patience: float
    _outage: Outage
    _learn: Callable[[float, float], None]
    _statements: list[Callable[[], Amounts]] = field(factory=list, init=False)
    _surplus: Counter[Account] = field(factory=Counter, init=False)
    _requests: set[asyncio.Task[Acquired]] = field(factory=set, init=False)
    _not_restating: asyncio.Event = field(factory=asyncio.Event, init=False)
    _restatements_due: list[float] = field(factory=list, init=False)
    _closed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._not_restating.set()

    def on_restate(self, held: Callable[[], Amounts]) -> None:
        """Add a callback that returns held amounts."""
        self._statements.append(held)

    async def acquire(self, claims: Sequence[Claim]) -> Acquired:
        """Hold amounts. Raises StoreUnavailable when the store does not answer in time."""
        deadline = time.monotonic() + self._patience
        if not self._not_restating.is_set():
            await self._wait_for_restatement()
        if self._outage.open or self._closed:
            raise StoreUnavailable("The store does not answer.")
        task = asyncio.create_task(self._request(claims))
        self._requests.add(task)
        try:
            await asyncio.wait((task,), timeout=max(deadline - time.monotonic(), 0))
        except asyncio.CancelledError:
            self._abandon(claims, task)
            raise
        if not task.done():
            self._abandon(claims, task)
            raise StoreUnavailable("The store did not answer in time.")
        # Only now: until the caller resumes, no restatement includes what it was granted.
        self._requests.discard(task)
        return task.result()

    def give_back(self, account: Account, amount: int) -> None:
        """Hold less from the next call of `settle` on."""
        self._surplus[account] += amount

    async def settle(self) -> None:
        """Give back what is not needed. Raises StoreUnavailable."""
        amounts, self._surplus = self._surplus, Counter()
        if amounts:
            await self._store.give_back(self._owner, amounts)

    def doubt(self, *, later: bool = False) -> None:
        """Schedule a restatement, as the store may hold something else than assumed."""
        now = time.monotonic()
        if later:
            first, last = (now + seconds for seconds in _SETTLED)
            # Repeated failures must not delay it indefinitely.
            self._restatements_due = [min([first, *self._restatements_due]), last]
        else:
            self._restatements_due.insert(0, now)

    @property
    def in_doubt(self) -> bool:
        """Whether a restatement is due."""
        return bool(self._restatements_due) and self._restatements_due[0] <= time.monotonic()

    async def restate(self, unposted: Callable[[], Amounts | None]) -> None:
        """State what is held plus what is spent but not yet posted. Raises StoreUnavailable.

        If the unposted spending is unknown, nothing is stated.
        """
        self._not_restating.clear()
        try:
            await self._wait_for_requests()
            spent = unposted()
            if spent is None:
                return
            held = Counter(spent)
            for statement in self._statements:
                held.update(statement())
            self._surplus.clear()
            await self._store.restate(self._owner, +held, lease=self._lease)
            now = time.monotonic()
            self._restatements_due = [due for due in self._restatements_due if due > now]
        finally:
            self._not_restating.set()

    async def close(self) -> None:
        """Stop acquiring, and wait for calls in progress."""
        self._closed = True
        await self._wait_for_requests()

    async def _request(self, claims: Sequence[Claim]) -> Acquired:
        requested_at = time.monotonic()
        try:
            acquired = await self._store.acquire(self._owner, claims, lease=self._lease)
        except StoreUnavailable:
            self._outage.failed()
            self.doubt(later=True)
            raise
        self._learn(acquired.now, requested_at)
        return acquired

    async def _wait_for_requests(self) -> None:
        """Wait until every call is answered and its caller has the result."""
        while self._requests:
            await asyncio.wait(self._requests)

    async def _wait_for_restatement(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._not_restating.wait()
        except TimeoutError:
            raise StoreUnavailable("The store did not answer in time.") from None

    def _abandon(self, claims: Sequence[Claim], task: asyncio.Task[Acquired]) -> None:
        """Give back what is granted once the answer arrives, as its caller is gone."""
        task.add_done_callback(lambda task: self._return(claims, task))

    def _return(self, claims: Sequence[Claim], task: asyncio.Task[Acquired]) -> None:
        self._requests.discard(task)
        if task.cancelled() or task.exception() is not None:
            return
        for claim, amount in zip(claims, task.result().granted, strict=False):
            self.give_back(claim.account, amount)
