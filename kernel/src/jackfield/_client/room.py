"""The memory that the answers which are read as a whole share."""

from typing import Protocol

from attrs import define, field


class Reader(Protocol):
    """Who collects a body."""

    def hold(self) -> None:
        """Read no further for now."""

    def go_on(self) -> None:
        """Read on."""


@define(eq=False)
class Room:
    """Bounds what all bodies together take: when it is full, only the oldest one is read on.

    So none is refused for the others' sake, and the oldest always comes to its end. `size` is in
    bytes; what is taken may exceed it by one whole body.
    """

    size: int = 24 * 1024 * 1024
    _taken: dict[Reader, int] = field(factory=dict, init=False)
    _total: int = field(default=0, init=False)

    def take(self, reader: Reader, size: int) -> None:
        """Note that `reader` has `size` bytes more; hold it if there is no room for yet more."""
        self._taken[reader] = self._taken.get(reader, 0) + size
        self._total += size
        if self._total >= self.size and reader is not next(iter(self._taken)):
            reader.hold()

    def leave(self, reader: Reader) -> None:
        """Give back what `reader` took, and let others read on."""
        size = self._taken.pop(reader, 0)
        if not size:
            return
        self._total -= size
        if self._total < self.size:
            for other in tuple(self._taken):
                other.go_on()
        elif self._taken:
            next(iter(self._taken)).go_on()
