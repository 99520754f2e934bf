"""The rules among things of the hierarchy: nobody has more rights than what is above."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import attrs
from attrs import evolve

from jackfield.admin import Actor, Change
from jackfield.errors import Forbidden, InvalidRequest

from .holders import Holder, Place
from .key_text import holds_key
from .lineage import Lineage
from .rights import Rights, excess

H = TypeVar("H", bound=Holder)

REFERENCES: Final = {"parent": "team", "team": "team", "user": "user", "project": "project"}
"""Fields that name something else, with what that is."""

_RIGHTS: Final = frozenset(field.name for field in attrs.fields(Rights))
_METADATA: Final = "metadata"
"""No right, but budgets and limits of tags go by it."""

_BOUNDS: Final = _RIGHTS | {_METADATA, "organization", *REFERENCES}


class ExcessRights(InvalidRequest):
    """Something would be allowed what is not allowed to what it belongs to."""

    code = "excess_rights"


def check_rights(place: Place, item: Holder, lineage: Lineage) -> None:
    """Raise ExcessRights if something would have more rights than what it belongs to."""
    above = " and ".join(map(str, item.parents()))
    for name, problem in excess(item, lineage.above):
        raise ExcessRights(
            f"{place} cannot have more rights than {above}: {name}: {problem}.", param=name
        )


def within_organization(item: H, lineage: Lineage, place: Place) -> H:
    """The item with the one organization that all above it belongs to. Raises InvalidRequest."""
    if place.kind == "organization":
        return item
    found = lineage.organizations
    given = getattr(item, "organization", "")
    if len(found) > 1 or given not in ("", *found):
        named = sorted({*found, given} - {""})
        raise InvalidRequest(
            f"{place} would belong to several organizations: {', '.join(named)}.",
            param="organization",
        )
    filled: Mapping[str, Any] = {"organization": found[0]}
    return evolve(item, **filled)


def check_stays(before: Holder | None, item: Holder, place: Place) -> None:
    """Raise InvalidRequest for a move to another organization, in which all below stays behind."""
    if before is None:
        return
    was, whose = (getattr(one, "organization", "") for one in (before, item))
    if was != whose:
        raise InvalidRequest(
            f"{place} belongs to the organization {was!r} and cannot move to {whose!r}; create"
            " another one there.",
            param="organization",
        )


def check_does_not_bound(place: Place, change: Change[Any], actor: Actor) -> None:
    """Raise Forbidden for who would change what bounds the own key, or that key's own rights."""
    if not actor.organization or str(place) not in actor.principal.scopes:
        return
    if change.action == "restore" or concerns_rights(change.fields):
        raise Forbidden(
            f"What {place} may do is decided by who does not belong to it, as this key does."
        )


def check_reaches(lineage: Lineage, actor: Actor) -> None:
    """Raise Forbidden for who makes something below what a team of others has.

    What is made would be charged to those as well.
    """
    for parent in lineage.parents:
        *_, itself = places = [str(place) for place in parent.places]
        if itself not in actor.principal.scopes and not set(actor.within).issubset(places):
            raise Forbidden(
                f"This key administers what falls under {actor.within[-1]} alone, as {itself} does"
                " not."
            )


def check_tells_no_key(item: Holder) -> None:
    """Raise InvalidRequest for a key in what others may read."""
    for field, text in [
        ("name", item.name),
        *(("metadata", one) for one in item.metadata.values()),
    ]:
        if holds_key(text):
            raise InvalidRequest(
                f"`{field}` holds a key, and everybody could read it there. Have that key replaced,"
                " for it has been seen.",
                param=field,
            )


def check_metadata(item: Holder, lineage: Lineage) -> None:
    """Raise InvalidRequest where something says otherwise than what it belongs to."""
    for name, text in item.metadata.items():
        told = lineage.metadata[name]
        if text != told:
            raise InvalidRequest(
                f"`metadata`: {name} is {told!r} by what is above; leave it out.", param=_METADATA
            )


def concerns_rights(fields: tuple[str, ...]) -> bool:
    """Whether a change of these fields can give something more rights than it may have."""
    return not _BOUNDS.isdisjoint(fields)
