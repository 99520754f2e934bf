"""The store's clock, estimated from the machine's monotonic clock."""

import time
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class StoreClock:
    """An estimate of the store's time that is never ahead of it and never goes backwards."""

    _monotonic: Callable[[], float] = time.monotonic
    _wall: Callable[[], float] = time.time
    _offset: float | None = field(default=None, init=False)
    _latest: float = field(default=0.0, init=False)

    def now(self) -> float:
        """Seconds since 1970; the machine's clock until the store has answered once."""
        offset = self._offset
        if offset is None:
            return self._wall()
        now = self._monotonic() + offset
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    def learn(self, store_time: float, requested_at: float) -> None:
        """Update from the store's time, requested at the monotonic time `requested_at`.

        The store answered at some time since then. The estimate changes only if it contradicts
        that.
        """
        least, most = store_time - self._monotonic(), store_time - requested_at
        known = least if self._offset is None else self._offset
        self._offset = min(max(known, least), most)
