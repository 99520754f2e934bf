"""The memory shared by all answers that are read as a whole."""

from typing import Protocol

from attrs import define, field


class Reader(Protocol):
    """Something that collects a body."""

    def hold(self) -> None:
        """Pause reading."""

    def go_on(self) -> None:
        """Resume reading."""


@define(eq=False)
class Room:
    """Limits the memory of all bodies together: when it is full, only the oldest is read on.

    So no body is refused because of the others, and the oldest always completes. `size` is in
    bytes; usage may exceed it by one whole body.
    """

    size: int = 24 * 1024 * 1024
    _taken: dict[Reader, int] = field(factory=dict, init=False)
    _total: int = field(default=0, init=False)

    def take(self, reader: Reader, size: int) -> None:
        """Note that `reader` holds `size` more bytes; pause it if there is no room for more."""
        self._taken[reader] = self._taken.get(reader, 0) + size
        self._total += size
        if self._total >= self.size and reader is not next(iter(self._taken)):
            reader.hold()

    def leave(self, reader: Reader) -> None:
        """Release what `reader` took, and let others resume."""
        size = self._taken.pop(reader, 0)
        if not size:
            return
        self._total -= size
        if self._total < self.size:
            for other in tuple(self._taken):
                other.go_on()
        elif self._taken:
            next(iter(self._taken)).go_on()
