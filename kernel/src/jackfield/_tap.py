"""Where an exchange's usage can be read once it is over."""

from collections.abc import Callable
from typing import Final

from jackfield.messages import Usage


class Tap:
    """Tells the usage of one exchange when asked.

    `is_complete` says whether the answer was read to its end, and `seen` how many bytes of it came.
    """

    __slots__ = ("is_complete", "seen", "usage")

    def __init__(
        self,
        usage: Callable[[], Usage | None],
        is_complete: Callable[[], bool] = lambda: True,
        seen: Callable[[], int] = lambda: 0,
    ) -> None:
        self.usage = usage
        self.is_complete = is_complete
        self.seen = seen

    @classmethod
    def known(cls, usage: Usage | None) -> "Tap":
        """A usage that is known already."""
        return cls(lambda: usage)


NO_TAP: Final = Tap.known(None)
"""That of an exchange for which no provider was asked."""
