"""Where an exchange's usage can be read once it is over."""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from jackfield.messages import Usage

_MOST: Final = 10**12
"""Tokens, or pieces of anything else, that no single answer takes."""

_DEAREST: Final = 10**16
"""Nano-dollars that none costs: ten million dollars."""

_counts: Final = attrgetter(*(name for name in Usage.__struct_fields__ if name.endswith("_tokens")))


class Tap:
    """Tells the usage of one exchange when asked.

    `is_complete` says whether the answer was read to its end, and `seen` how many events of it
    came.
    """

    __slots__ = ("_believed", "_usage", "is_complete", "seen")

    def __init__(
        self,
        usage: Callable[[], Usage | None],
        is_complete: Callable[[], bool] = lambda: True,
        seen: Callable[[], int] = lambda: 0,
    ) -> None:
        self._usage = usage
        self._believed: Usage | None = None
        self.is_complete = is_complete
        self.seen = seen

    @classmethod
    def known(cls, usage: Usage | None) -> "Tap":
        """A usage that is known already."""
        return cls(lambda: usage)

    def usage(self) -> Usage | None:
        """What the provider says was used; None if it says nothing, or what cannot be."""
        usage = self._usage()
        if usage is self._believed:  # several plugins ask the same
            return usage
        if usage is None or not can_be(usage):
            return None
        self._believed = usage
        return usage


def can_be(usage: Usage) -> bool:
    """Whether a usage is one that somebody could have had: nothing below 0, nothing beyond measure.

    Else a provider could grant refunds, or say numbers that no store can hold.
    """
    counts = _counts(usage)
    if min(counts) < 0 or max(counts) > _MOST:
        return False
    if usage.units and not all(0 <= count <= _MOST for count in usage.units.values()):
        return False
    if usage.cost is not None and not 0 <= usage.cost <= _DEAREST:
        return False
    return not usage.bills or all(can_be(bill.usage) for bill in usage.bills)


NO_TAP: Final = Tap.known(None)
"""That of an exchange for which no provider was asked."""
