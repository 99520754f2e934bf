"""Everything above an item in the hierarchy, and the effective rights that follow."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from attrs import field, frozen

from jackfield.errors import InvalidRequest

from .holders import Holder, Place
from .rights import Allowed, narrowed, topmost

Find = Callable[[Place], Awaitable[Holder | None]]

LEVELS: Final = ("organization", "team", "user", "project")
MOST_ABOVE: Final = 16
"""Teams in teams and so on, from a key to its organization."""


class BrokenLineage(InvalidRequest):
    """A parent does not exist, or the hierarchy has a cycle."""

    code = "invalid_parent"


@frozen
class Lineage:
    """Everything above an item, outermost first, the item itself, and its effective rights.

    `parents` are the lineages of what it belongs to. `revoked` is the first place in it whose keys
    are refused.
    """

    places: tuple[Place, ...]
    allowed: Allowed
    parents: tuple["Lineage", ...] = ()
    metadata: Mapping[str, str] = field(factory=dict)
    revoked: Place | None = None

    @property
    def above(self) -> tuple[Allowed, ...]:
        """The effective rights of each parent."""
        return tuple([parent.allowed for parent in self.parents])

    @property
    def organizations(self) -> tuple[str, ...]:
        """The ids of its organizations: exactly one, if it is consistent."""
        return tuple([place.id for place in self.places if place.kind == "organization"])


async def trace(place: Place, holder: Holder, find: Find) -> Lineage:
    """The lineage of an item at a place. Raises BrokenLineage."""
    return await _trace(place, holder, find, ())


async def _trace(place: Place, holder: Holder, find: Find, below: tuple[Place, ...]) -> Lineage:
    below = (*below, place)
    if len(below) > MOST_ABOVE:
        raise BrokenLineage(f"{place} has more than {MOST_ABOVE} things below it in one line.")
    above = []
    for parent in holder.parents():
        if parent in below:
            raise BrokenLineage(
                f"{parent} would be above itself: {' is in '.join(map(str, (*below, parent)))}.",
                param="parent",
            )
        found = await find(parent) if parent.id else None
        if found is None:
            field = "parent" if parent.kind == place.kind else parent.kind
            raise BrokenLineage(_missing(place, parent), param=field)
        above.append(await _trace(parent, found, find, below))
    return _joined(place, holder, above)


def _missing(place: Place, parent: Place) -> str:
    if not parent.id:
        return f"Say what the {place.kind} belongs to: its organization is missing."
    return f"There is no {parent.kind} {parent.id!r}; create it first."


def _joined(place: Place, holder: Holder, above: list[Lineage]) -> Lineage:
    bounds = [one.allowed for one in above]
    allowed = narrowed(bounds, holder) if above else topmost(holder)
    outer = dict.fromkeys([each for one in above for each in one.places])
    ordered = sorted(outer, key=lambda each: LEVELS.index(each.kind))
    metadata = {key: text for one in above for key, text in one.metadata.items()}
    revoked = next((one.revoked for one in above if one.revoked), None)
    if revoked is None and holder.revoked:
        revoked = place
    merged = {**holder.metadata, **metadata}
    return Lineage((*ordered, place), allowed, tuple(above), merged, revoked)
