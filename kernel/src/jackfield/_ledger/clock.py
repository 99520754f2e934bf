"""The store's clock, told from the machine's monotonic one."""

import time
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class StoreClock:
    """The store's time as far as it is known, which is never ahead of it nor goes back."""

    _monotonic: Callable[[], float] = time.monotonic
    _wall: Callable[[], float] = time.time
    _offset: float | None = field(default=None, init=False)
    _shown: float = field(default=0.0, init=False)

    def now(self) -> float:
        """Seconds since 1970; by the machine's clock while the store has not told its own."""
        offset = self._offset
        if offset is None:
            return self._wall()
        now = self._monotonic() + offset
        if now < self._shown:
            return self._shown
        self._shown = now
        return now

    def learn(self, told: float, asked: float) -> None:
        """What the store has just said, to a question of a moment of the machine's clock.

        It said so at some time since. What was known is kept if it agrees with that.
        """
        least, most = told - self._monotonic(), told - asked
        known = least if self._offset is None else self._offset
        self._offset = min(max(known, least), most)
