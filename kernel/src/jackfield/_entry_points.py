"""What the installed distributions declare, read once: reading looks at every one of them."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def _all() -> Any:  # until Python 3.12 of another class, with the same method
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes its time

    return entry_points()


def declared(group: str) -> "tuple[EntryPoint, ...]":
    """The entry points of a group."""
    return tuple(_all().select(group=group))


def read_again() -> None:
    """Look anew when next asked: something may have been installed since."""
    _all.cache_clear()
