"""A circuit breaker for the store."""

import random
import time
from collections.abc import Callable

from attrs import define, field

_FIRST = 0.1
_LONGEST = 1.0


@define(eq=False)
class Outage:
    """While `open`, only one caller asks the store, at growing intervals."""

    _clock: Callable[[], float] = time.monotonic
    open: bool = field(default=False, init=False)
    _pause: float = field(default=_FIRST, init=False)
    _retry_at: float = field(default=0.0, init=False)

    def failed(self) -> None:
        """Record that the store did not answer."""
        self._pause = min(self._pause * 2, _LONGEST) if self.open else _FIRST
        self.open = True
        self._retry_at = self._clock() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def ended(self) -> None:
        """Record that the store answered."""
        self.open = False

    @property
    def may_ask(self) -> bool:
        """Whether the store may be asked now."""
        return not self.open or self._clock() >= self._retry_at
