"""What the installed distributions declare; read once, because reading scans all of them."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def _all() -> Any:  # another class until Python 3.12, with the same method
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import

    return entry_points()


def declared(group: str) -> "tuple[EntryPoint, ...]":
    """The entry points of a group."""
    return tuple(_all().select(group=group))


def read_again() -> None:
    """Rescan on the next call: something may have been installed since."""
    _all.cache_clear()
