"""The rules of the hierarchy: nothing has more rights than what is above it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import attrs
from attrs import evolve

from jackfield.admin import Actor, Change
from jackfield.endpoints import PUBLIC, Endpoint
from jackfield.errors import Forbidden, InvalidRequest

from .holders import Holder, Place
from .key_text import holds_key
from .lineage import Lineage
from .rights import USUAL_PERMISSIONS, Rights, excess

H = TypeVar("H", bound=Holder)

REFERENCES: Final = {"parent": "team", "team": "team", "user": "user", "project": "project"}
"""Fields that name something else, with what that is."""

_RIGHTS: Final = frozenset(field.name for field in attrs.fields(Rights))
_METADATA: Final = "metadata"
"""No right, but budgets and limits of tags go by it."""

_BOUNDS: Final = _RIGHTS | {_METADATA, "organization", *REFERENCES}


class ExcessRights(InvalidRequest):
    """An item would have more rights than what it belongs to."""

    code = "excess_rights"


def check_rights(place: Place, item: Holder, lineage: Lineage) -> None:
    """Raise ExcessRights if an item would have more rights than what it belongs to."""
    above = " and ".join(map(str, item.parents()))
    for name, problem in excess(item, lineage.above):
        raise ExcessRights(
            f"{place} cannot have more rights than {above}: {name}: {problem}.", param=name
        )


def check_permissions(before: Holder | None, item: Holder, endpoints: Iterable[Endpoint]) -> None:
    """Raise InvalidRequest for a permission that is added and that no endpoint needs."""
    held = (before.permissions if before is not None else None) or ()
    known = {*USUAL_PERMISSIONS, *(endpoint.permission for endpoint in endpoints)} - {PUBLIC}
    for word in item.permissions or ():
        if word not in known and word not in ("*", *held):
            near = get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise InvalidRequest(
                f"`permissions`: there is no permission {word!r}; {hint}", param="permissions"
            )


def within_organization(item: H, lineage: Lineage, place: Place) -> H:
    """The item with the one organization of all its parents. Raises InvalidRequest."""
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
    """Raise InvalidRequest for a move to another organization."""
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
    """Raise Forbidden for a key that would change its own rights, or those that bound it."""
    if not actor.organization or str(place) not in actor.principal.scopes:
        return
    if change.action == "restore" or concerns_rights(change.fields):
        raise Forbidden(f"The rights of {place} bound this key, so it may not change them.")


def check_reaches(lineage: Lineage, actor: Actor) -> None:
    """Raise Forbidden if an item would be below what another team has.

    It would be charged to that team as well.
    """
    for parent in lineage.parents:
        *_, itself = places = [str(place) for place in parent.places]
        if itself not in actor.principal.scopes and not set(actor.within).issubset(places):
            raise Forbidden(
                f"This key only administers {actor.within[-1]}, which {itself} is not part of."
            )


def check_tells_no_key(item: Holder) -> None:
    """Raise InvalidRequest for a key in a field that others may read."""
    for field, text in [
        ("name", item.name),
        *(("metadata", one) for one in item.metadata.values()),
    ]:
        if holds_key(text):
            raise InvalidRequest(
                f"`{field}` contains a key, which others could read there. Replace this key, which"
                " has been exposed.",
                param=field,
            )


def check_metadata(item: Holder, lineage: Lineage) -> None:
    """Raise InvalidRequest for metadata that contradicts that of a parent."""
    for name, text in item.metadata.items():
        fixed = lineage.metadata[name]
        if text != fixed:
            raise InvalidRequest(
                f"`metadata`: {name} is {fixed!r} by what is above; leave it out.", param=_METADATA
            )


def concerns_rights(fields: tuple[str, ...]) -> bool:
    """Whether a change of these fields may give an item more rights than allowed."""
    return not _BOUNDS.isdisjoint(fields)
