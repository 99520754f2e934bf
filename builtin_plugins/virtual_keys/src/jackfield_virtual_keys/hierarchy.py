"""The collections of organizations, teams, users and projects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from attrs import evolve

from jackfield.admin import Action, Actor, AlreadyExists, Change, Collection, InUse, Stored
from jackfield.admin.items import stored_item
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.setup import Setup
from jackfield.store import Value

from .holders import QUALIFIED, RIGHT_NAME, Holder, Organization, Place, Project, Team, User
from .lineage import BrokenLineage, Find, trace
from .rules import (
    REFERENCES,
    check_does_not_bound,
    check_metadata,
    check_permissions,
    check_reaches,
    check_rights,
    check_stays,
    check_tells_no_key,
    concerns_rights,
    within_organization,
)

H = TypeVar("H", bound=Holder)

_MOST_DECODED: Final = 20_000

REVOKE: Final = Action("revoke", "Refuse all requests of it, at once.")
RESTORE: Final = Action("restore", "Take a revocation back.")


class Hierarchy:
    """All collections of one gateway, by kind."""

    def __init__(self, setup: Setup) -> None:
        self.of_kind: dict[str, HolderCollection[Any]] = {}
        self.changed: Callable[[Place], None] = lambda place: None
        """Told of what has been changed in this process, before who changes it is answered."""

        self.recalled: Find = self.find
        """`find`, a few seconds old at the most."""

        for kind in (Organizations, Teams, Users, Projects):
            self.add(kind(setup, self))

    def add(self, collection: "HolderCollection[Any]") -> None:
        """Add a collection."""
        self.of_kind[collection.singular] = collection

    def __iter__(self) -> Iterator["HolderCollection[Any]"]:
        return iter(self.of_kind.values())

    async def find(self, place: Place) -> Holder | None:
        """The item at a place, if it exists. Raises StoreUnavailable."""
        collection = self.of_kind[place.kind]
        value = await collection.read(place.id)
        return collection.item_of(value) if value is not None else None

    def whose(self, place: Place, holder: Holder) -> str:
        """The organization of the item at a place."""
        return self.of_kind[place.kind].organization_of(place.id, holder)

    async def meant(self, place: Place, organization: str) -> Place:
        """The id for a name in an organization, whose own items come first."""
        if not organization or "@" in place.id:
            return place
        found = await self.find(place)
        if found is not None and self.whose(place, found) == organization:
            return place
        own = qualified(place, organization)
        return own if await self.find(own) is not None else place

    def visible_to(self, organization: str) -> Find:
        """`find` limited to the items of one organization; unlimited if it is empty."""
        if not organization:
            return self.find

        async def find(place: Place) -> Holder | None:
            found = await self.find(place)
            if found is None:
                return None
            return found if self.whose(place, found) == organization else None

        return find

    async def check_unused(self, place: Place) -> None:
        """Raise InUse if something belongs to the item at a place."""
        for collection in self:
            async for stored in collection.all():
                if place in stored.item.parents():
                    raise InUse(
                        f"{place} is what {collection.singular}:{stored.id} belongs to; delete that"
                        " first, or revoke this."
                    )


class HolderCollection(Collection[H]):
    """The common part of all collections of the hierarchy."""

    columns: ClassVar[tuple[str, ...]] = ("name", "organization", "models", "revoked")
    actions: ClassVar[tuple[Action, ...]] = (REVOKE, RESTORE)

    def __init__(self, setup: Setup, hierarchy: Hierarchy) -> None:
        super().__init__(setup)
        self.hierarchy = hierarchy

    async def read(self, id: str) -> Value | None:
        """The value of an id in the store, not decoded. Raises StoreUnavailable."""
        return await self.item_store.value(id)

    def item_of(self, value: Value) -> H:
        """Decode a value of the store."""
        kind: Any = self.Item
        item: H = _decoded(kind, value.data)
        return item

    def id_of(self, item: H) -> str:
        """Its name."""
        return item.name

    async def new_id(self, item: H, actor: Actor) -> str:
        """Its name, with its organization if the name is taken by another organization."""
        organization = getattr(item, "organization", "")
        place = await self.hierarchy.meant(Place(self.singular, self.id_of(item)), organization)
        found = await self.hierarchy.find(place) if organization else None
        if found is None or self.hierarchy.whose(place, found) == organization:
            return place.id
        return qualified(place, organization).id

    async def find(self, id: str, actor: Actor) -> Stored[H] | None:
        """Find an item by id, or by its name in the actor's organization."""
        place = await self.hierarchy.meant(Place(self.singular, id), actor.organization)
        return await self.get(place.id)

    async def completed(self, item: H, actor: Actor) -> H:
        """Fill in the organization from its parents, and replace names with ids."""
        hierarchy, whose = self.hierarchy, getattr(item, "organization", "") or actor.organization
        named: dict[str, Any] = {}
        for field, kind in REFERENCES.items():
            if id := getattr(item, field, ""):
                place = await hierarchy.meant(Place(kind, id), whose)
                named[field] = place.id
                found = await hierarchy.visible_to(actor.organization)(place)
                whose = whose or (hierarchy.whose(place, found) if found is not None else "")
        if named and whose:
            named["organization"] = whose
        return evolve(item, **named)

    async def scopes_of(self, id: str, item: H) -> Sequence[str]:
        """Everything above it, and itself."""
        try:
            lineage = await trace(Place(self.singular, id), item, self.hierarchy.recalled)
        except BrokenLineage:
            return ()
        return tuple(map(str, lineage.places))

    def declared(self, item: H, stored: H) -> H:
        """A declared item; its organization is that of its parents if not given."""
        item = super().declared(item, stored)
        if getattr(item, "organization", None) != "":
            return item
        filled: Mapping[str, Any] = {"organization": getattr(stored, "organization", "")}
        return evolve(item, **filled)

    async def act(self, action: str, stored: Stored[H], given: Any, actor: Actor) -> H:
        """Revoke or restore it."""
        return evolve(stored.item, revoked=action == "revoke")

    async def reveal(self, change: Change[H], actor: Actor) -> Mapping[str, Any]:
        """Reveal nothing; the change takes effect in this process."""
        self.hierarchy.changed(Place(self.singular, change.id))
        return {}

    async def check(self, change: Change[H], actor: Actor) -> H | None:
        """Fill in its name and organization; refuse rights that its parents do not have."""
        place = Place(self.singular, change.id)
        if change.after is None:
            await self.hierarchy.check_unused(place)
            return None
        check_does_not_bound(place, change, actor)
        item = self.named(change.id, change.after)
        check_tells_no_key(item)
        check_permissions(change.before, item, self.setup.endpoints)
        lineage = await trace(place, item, self.hierarchy.visible_to(actor.organization))
        item = within_organization(item, lineage, place)
        if change.action == "create":
            await self._check_is_new(place, item)
            check_reaches(lineage, actor)
        check_stays(change.before, item, place)
        if change.action == "create" or concerns_rights(change.fields):
            check_rights(place, item, lineage)
            check_metadata(item, lineage)
        return item

    def named(self, id: str, item: H) -> H:
        """The item with the name that is in its id. Raises InvalidRequest."""
        parts = QUALIFIED.fullmatch(id)
        if parts is None or item.name not in ("", parts[1]):
            raise InvalidRequest(
                f"The name of a {self.singular} is its id: {RIGHT_NAME}.",
                param="name",
            )
        return evolve(item, name=parts[1])

    async def _check_is_new(self, place: Place, item: H) -> None:
        """Raise AlreadyExists if the name is taken in the organization."""
        known = await self.hierarchy.meant(place, getattr(item, "organization", ""))
        if known != place:
            raise AlreadyExists(f"There is a {known.kind} {known.id!r} already.")


class Organizations(HolderCollection[Organization]):
    """Tenants."""

    name = "organizations"
    singular = "organization"
    Item = Organization
    columns = ("name", "permissions", "models", "revoked")

    def organization_of(self, id: str, item: Organization) -> str:
        """Itself."""
        return id

    async def check(self, change: Change[Organization], actor: Actor) -> Organization | None:
        """Only callers outside of all organizations may create and delete organizations."""
        if actor.organization and change.action in ("create", "delete"):
            raise Forbidden(
                "Only keys outside of organizations may create or delete them; this key belongs to"
                f" {actor.organization!r}."
            )
        return await super().check(change, actor)


class Teams(HolderCollection[Team]):
    """Parts of organizations; may be nested."""

    name = "teams"
    singular = "team"
    Item = Team


class Users(HolderCollection[User]):
    """People and service accounts."""

    name = "users"
    singular = "user"
    Item = User
    columns = ("name", "kind", "organization", "team", "revoked")


class Projects(HolderCollection[Project]):
    """Projects, to which keys may belong."""

    name = "projects"
    singular = "project"
    Item = Project
    columns = ("name", "organization", "team", "models", "revoked")


# The same bytes are read every few seconds, and strict parsing is slow.
@lru_cache(maxsize=_MOST_DECODED)
def _decoded(cls: Any, data: bytes) -> Any:
    return stored_item(cls, msgspec.json.decode(data)["item"])


def qualified(place: Place, organization: str) -> Place:
    """The id of an item whose name is taken by another organization."""
    return Place(place.kind, f"{place.id}@{organization}")
