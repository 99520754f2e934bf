"""Where an exchange's usage can be read once it is over."""

from collections.abc import Callable

from jackfield.messages import Usage


class Tap:
    """Tells the usage of one exchange when asked."""

    __slots__ = ("usage",)

    def __init__(self, usage: Callable[[], Usage | None]) -> None:
        self.usage = usage

    @classmethod
    def known(cls, usage: Usage | None) -> "Tap":
        """A usage that is known already."""
        return cls(lambda: usage)
