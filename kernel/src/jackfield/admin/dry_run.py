"""Changes for trial: they are made on a copy of the items instead of in the store."""

from contextvars import ContextVar
from typing import Final

from jackfield.store import Store, Value

PREFIX: Final = "admin/"
"""What the keys of all items begin with."""

GATEWAY: Final = ""
"""The scope of what is no tenant's own. Ids are looked up before a tenant is known."""


class DryRun(dict[str, Value | None]):
    """The items that were changed, by their keys in the store; None for a deleted one.

    Once it is `whole`, it has all other items, too, and the store is not read any more.
    """

    whole = False

    async def fill(self, store: Store) -> None:
        """Read all items at once: one by one would take far longer."""
        place = ""
        while values := await store.scan(GATEWAY, PREFIX, after=place):
            for value in values:
                self.setdefault(value.key, value)
            place = values[-1].key
        self.whole = True


DRY_RUN: Final[ContextVar[DryRun | None]] = ContextVar("dry_run", default=None)
"""If set, changes go here instead of to the store."""
