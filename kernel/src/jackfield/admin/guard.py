"""Decides who may see and change what in one collection."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from jackfield.admin.attributes import Attribute, attributes_of
from jackfield.admin.change import Actor, Stored
from jackfield.admin.collection import Collection
from jackfield.admin.errors import Stale
from jackfield.admin.items import plain
from jackfield.admin.roles import Roles
from jackfield.errors import Forbidden, InvalidRequest, NotFound

T = TypeVar("T")

ADDED = ("id", "created", "updated", "declared_in", "etag")
"""What is shown of a thing besides its fields."""

_ORGANIZATION = "organization"


class Guard(Generic[T]):
    """Enforces the rights of roles, organizations and fields."""

    def __init__(self, collection: Collection[T]) -> None:
        self.collection = collection
        self._attributes = attributes_of(collection.Item)
        if taken := set(ADDED) & set(self._attributes):
            raise TypeError(f"{collection.Item.__name__}: the gateway itself adds {sorted(taken)}")

    def check_role(self, roles: Roles, actor: Actor, verb: str) -> None:
        """Raise Forbidden if the actor's role may not do this at all."""
        if actor.role not in roles:
            raise Forbidden(f"The role {actor.role!r} may not {verb} {self.collection.name}.")

    async def sees(self, stored: Stored[T], actor: Actor) -> bool:
        """Whether the actor may know that the item exists."""
        collection = self.collection
        whose = collection.organization_of(stored.id, stored.item)
        if actor.organization and whose != actor.organization:
            return False
        if collection.is_own(stored.id, stored.item, actor.principal):
            return True
        return actor.role != "member" and await self._is_within(stored.id, stored.item, actor)

    async def seen(self, stored: Stored[T] | None, id: str, actor: Actor) -> Stored[T]:
        """The item, if the actor may see it. Raises NotFound, as if there were none."""
        if stored is None or not await self.sees(stored, actor):
            raise NotFound(f"There is no {self.collection.singular} {id!r}.")
        return stored

    def matched(self, stored: Stored[T], if_match: str) -> Stored[T]:
        """The item, if its etag is in `if_match`, or that is `*`. Raises Stale."""
        tags = [tag.strip() for tag in if_match.split(",")]
        if "*" not in tags and stored.etag not in tags:
            raise Stale(
                f"The {self.collection.singular} {stored.id!r} has changed since it was read; its"
                f" etag is {stored.etag} now. Read it again.",
                param="If-Match",
            )
        return stored

    def shown(self, stored: Stored[T] | None, actor: Actor) -> dict[str, Any]:
        """An item as JSON, with the fields that the actor may read; {} for none."""
        if stored is None:
            return {}
        fields = {
            key: value
            for key, value in plain(stored.item).items()
            if self.may_read(self._attributes[key], actor)
        }
        times = {"created": _time(stored.created), "updated": _time(stored.updated)}
        source = {"declared_in": stored.declared_in} if stored.declared_in else {}
        return {"id": stored.id, **fields, **times, **source, "etag": stored.etag}

    def may_read(self, attribute: Attribute, actor: Actor) -> bool:
        """Whether the actor's role may read a field."""
        return not attribute.rights.secret and actor.role in attribute.rights.read

    def completed(self, given: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """The fields given for a new item, with the actor's organization if it has only one."""
        if actor.organization and _ORGANIZATION in self._attributes:
            return {_ORGANIZATION: actor.organization, **given}
        return given

    def check_given(
        self, given: Mapping[str, Any], before: Mapping[str, Any], actor: Actor
    ) -> None:
        """Raise for fields that the actor may not set, or nobody may, if they would change.

        `before` has the current fields, and is empty for a new item.
        """
        for key, value in given.items():
            attribute = self._attributes.get(key)
            if key in ADDED or key in self.collection.facts:
                raise InvalidRequest(f"`{key}` is only set by the gateway.", param=key)
            if attribute is None or (key in before and before[key] == value):
                continue
            rights = attribute.rights
            if rights.given == "never":
                raise InvalidRequest(f"`{key}` is only set by the gateway.", param=key)
            if rights.given == "once" and before:
                raise InvalidRequest(f"`{key}` can no longer be changed.", param=key)
            implied = key == _ORGANIZATION and value == actor.organization
            if actor.role not in rights.write and not implied:
                allowed = " or ".join(sorted(rights.write)) or "nobody"
                raise Forbidden(f"`{key}` can only be set by {allowed}.", param=key)

    async def check_place(self, id: str, item: T, actor: Actor) -> None:
        """Raise Forbidden for an item outside the actor's organization or team."""
        whose = self.collection.organization_of(id, item)
        if actor.organization and whose != actor.organization:
            raise Forbidden(
                f"This key only administers the organization {actor.organization!r}.",
                param=_ORGANIZATION,
            )
        if not await self._is_within(id, item, actor):
            raise Forbidden(f"This key only administers {actor.within[-1]}.")

    async def _is_within(self, id: str, item: T, actor: Actor) -> bool:
        if not actor.within:
            return True
        return set(actor.within).issubset(await self.collection.scopes_of(id, item))


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")
