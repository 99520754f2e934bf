"""Finds out when a rolling window will have room again, by the content of its parts."""

from typing import Final

from attrs import define, field

from jackfield.ledger import Ledger
from jackfield.store import Account, Store, StoreUnavailable
from jackfield.windows import Rolling

from .rate import TOKENS, LimitAccount

_FRESH: Final = 1.0
_MOST_KEPT: Final = 10_000
_OCCUPIED: Final = 1.0


@define(eq=False)
class RetryTimes:
    """Asks the store, with a cache of one second: refused clients tend to send many requests."""

    _store: Store
    _ledger: Ledger
    _known: dict[tuple[Account, int], tuple[float, float]] = field(factory=dict, init=False)

    async def wait(self, member: LimitAccount, need: int) -> float:
        """Seconds until there is room for an amount, if nothing else is spent until then."""
        limit, now = member.limit, self._ledger.now()
        window = limit.window
        if not isinstance(window, Rolling):
            return _OCCUPIED
        key = (limit.account, need)
        read_at, opens = self._known.get(key, (0.0, 0.0))
        if now >= read_at + _FRESH or opens <= now:
            try:
                await self._ledger.flush()
                opens = await self._ask(member, window, need, now)
            except StoreUnavailable:
                opens = now + window.width
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = now, opens
        return max(opens - now, 0.0)

    async def _ask(self, member: LimitAccount, window: Rolling, need: int, now: float) -> float:
        limit, span = member.limit, window.span(now)
        parts = range(span.since, span.bucket + 2 * window.width, window.width)
        balances = await self._store.balances([(limit.account, part) for part in parts])
        for part, balance in zip(parts, balances, strict=True):
            if balance.spent + balance.held + need <= limit.amount:
                return max(float(part + window.seconds), now)
        if member.measure in TOKENS and need <= limit.amount:
            return now + _OCCUPIED  # Most of a reservation is not used and soon free again.
        return span.resets_at
