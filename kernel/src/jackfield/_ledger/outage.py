"""Whether the store is away, and when to ask it again."""

import random
import time
from collections.abc import Callable

from attrs import define, field

_FIRST = 0.1
_LONGEST = 1.0


@define(eq=False)
class Outage:
    """A circuit breaker: while it is `open` only one asks the store, at times further apart."""

    _clock: Callable[[], float] = time.monotonic
    open: bool = field(default=False, init=False)
    _pause: float = field(default=_FIRST, init=False)
    _again: float = field(default=0.0, init=False)

    def failed(self) -> None:
        """The store did not answer."""
        self._pause = min(self._pause * 2, _LONGEST) if self.open else _FIRST
        self.open = True
        self._again = self._clock() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def ended(self) -> None:
        """The store answered."""
        self.open = False

    @property
    def may_ask(self) -> bool:
        """Whether it is time to ask."""
        return not self.open or self._clock() >= self._again
