"""The collections of organizations, teams, users and projects, and the rules among them."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeVar

import attrs
import msgspec
from attrs import evolve

from jackfield.admin import Action, Actor, Change, Collection, InUse, Kept
from jackfield.admin.items import kept_item
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.setup import Setup
from jackfield.store import Value

from .holders import NAME, RIGHT_NAME, Holder, Organization, Place, Project, Team, User
from .lineage import Find, Lineage, trace
from .rights import Rights, excess

H = TypeVar("H", bound=Holder)

RIGHTS: Final = frozenset(field.name for field in attrs.fields(Rights))
_ABOVE: Final = frozenset({"organization", "parent", "team", "user", "project"})

_GATEWAY: Final = ""
_MOST_DECODED: Final = 20_000

REVOKE: Final = Action("revoke", "Refuse all requests of it, at once.")
RESTORE: Final = Action("restore", "Take a revocation back.")


class ExcessRights(InvalidRequest):
    """Something would be allowed what is not allowed to what it belongs to."""

    code = "excess_rights"


class Hierarchy:
    """All collections of one gateway, by the kinds of things in them."""

    def __init__(self, setup: Setup) -> None:
        self.of_kind: dict[str, HolderCollection[Any]] = {}
        self.changed: Callable[[Place], None] = lambda place: None
        """Told of what has been changed in this process, before who changes it is answered."""

        for kind in (Organizations, Teams, Users, Projects):
            self.add(kind(setup, self))

    def add(self, collection: "HolderCollection[Any]") -> None:
        """Have one more kind of things in it."""
        self.of_kind[collection.singular] = collection

    def __iter__(self) -> Iterator["HolderCollection[Any]"]:
        return iter(self.of_kind.values())

    async def find(self, place: Place) -> Holder | None:
        """What stands at a place, if anything does. Raises StoreUnavailable."""
        collection = self.of_kind[place.kind]
        value = await collection.read(place.id)
        return collection.item_of(value) if value is not None else None

    def seen_by(self, organization: str) -> Find:
        """`find` for who sees the things of one organization alone; of all if that is empty."""
        if not organization:
            return self.find

        async def find(place: Place) -> Holder | None:
            found = await self.find(place)
            if found is None:
                return None
            whose = self.of_kind[place.kind].organization_of(place.id, found)
            return found if whose == organization else None

        return find

    async def check_unused(self, place: Place) -> None:
        """Raise InUse if something belongs to what stands at a place."""
        for collection in self:
            async for kept in collection.all():
                if place in kept.item.parents():
                    raise InUse(
                        f"{place} is what {collection.singular}:{kept.id} belongs to; delete that"
                        " first, or revoke this."
                    )


class HolderCollection(Collection[H]):
    """What all things of the hierarchy have in common."""

    columns: ClassVar[tuple[str, ...]] = ("name", "organization", "models", "revoked")
    actions: ClassVar[tuple[Action, ...]] = (REVOKE, RESTORE)

    def __init__(self, setup: Setup, hierarchy: Hierarchy) -> None:
        super().__init__(setup)
        self.hierarchy = hierarchy

    async def read(self, id: str) -> Value | None:
        """What the store has under an id, not decoded. Raises StoreUnavailable."""
        return await self.store.get(_GATEWAY, f"admin/{self.name}/{id}")

    def item_of(self, value: Value) -> H:
        """The thing in what the store has."""
        kind: Any = self.Item
        item: H = _decoded(kind, value.data)
        return item

    def id_of(self, item: H) -> str:
        """Its name."""
        return item.name

    def declared(self, item: H, kept: H) -> H:
        """What is declared; what it belongs to says its organization, if nothing else does."""
        item = super().declared(item, kept)
        if getattr(item, "organization", None) != "":
            return item
        filled: Mapping[str, Any] = {"organization": getattr(kept, "organization", "")}
        return evolve(item, **filled)

    async def act(self, action: str, kept: Kept[H], given: Any, actor: Actor) -> H:
        """Revoke it, or restore it."""
        return evolve(kept.item, revoked=action == "revoke")

    async def reveal(self, change: Change[H], actor: Actor) -> Mapping[str, Any]:
        """Nothing; but it has been changed by now."""
        self.hierarchy.changed(Place(self.singular, change.id))
        return {}

    async def check(self, change: Change[H], actor: Actor) -> H | None:
        """Fill in its name and its organization; refuse rights that nothing above it has."""
        place = Place(self.singular, change.id)
        if change.after is None:
            await self.hierarchy.check_unused(place)
            return None
        _check_does_not_bound(place, change, actor)
        item = self.named(change.id, change.after)
        lineage = await trace(place, item, self.hierarchy.seen_by(actor.organization))
        item = _within_organization(item, lineage, place)
        _check_stays(change.before, item, place)
        if change.action == "create" or _concerned(change.fields):
            check_rights(place, item, lineage)
        return item

    def named(self, id: str, item: H) -> H:
        """The item with its id as its name. Raises InvalidRequest."""
        if item.name not in ("", id) or not NAME.fullmatch(id):
            raise InvalidRequest(
                f"The name of a {self.singular} is its id: {RIGHT_NAME}.",
                param="name",
            )
        return evolve(item, name=id)


class Organizations(HolderCollection[Organization]):
    """The tenants."""

    name = "organizations"
    singular = "organization"
    Item = Organization
    columns = ("name", "permissions", "models", "revoked")

    def organization_of(self, id: str, item: Organization) -> str:
        """Itself."""
        return id

    async def check(self, change: Change[Organization], actor: Actor) -> Organization | None:
        """Refuse organizations that are made, or unmade, by who belongs to one."""
        if actor.organization and change.action in ("create", "delete"):
            raise Forbidden(
                "Organizations are made and deleted by who belongs to none; this key belongs to"
                f" {actor.organization!r}."
            )
        return await super().check(change, actor)


class Teams(HolderCollection[Team]):
    """Parts of organizations, which may have parts themselves."""

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
    """What is worked at."""

    name = "projects"
    singular = "project"
    Item = Project
    columns = ("name", "organization", "team", "models", "revoked")


# The same bytes are read every few seconds, and reading them strictly takes its time.
@lru_cache(maxsize=_MOST_DECODED)
def _decoded(cls: Any, data: bytes) -> Any:
    return kept_item(cls, msgspec.json.decode(data)["item"])


def check_rights(place: Place, item: Holder, lineage: Lineage) -> None:
    """Raise ExcessRights if something would have more rights than what it belongs to."""
    above = " and ".join(map(str, item.parents()))
    for name, problem in excess(item, lineage.above):
        raise ExcessRights(
            f"{place} cannot have more rights than {above}: {name}: {problem}.", param=name
        )


def _within_organization(item: H, lineage: Lineage, place: Place) -> H:
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


def _check_stays(before: Holder | None, item: Holder, place: Place) -> None:
    """Raise InvalidRequest for a move to another organization, in which all below stays behind."""
    whose = getattr(item, "organization", "")
    if before is not None and getattr(before, "organization", "") != whose:
        raise InvalidRequest(
            f"{place} cannot move to another organization; create it there anew.",
            param="organization",
        )


def _check_does_not_bound(place: Place, change: Change[Any], actor: Actor) -> None:
    """Raise Forbidden for who would change what bounds the own key, or that key's own rights."""
    if not actor.organization or str(place) not in actor.principal.scopes:
        return
    if change.action == "restore" or _concerned(change.fields):
        raise Forbidden(
            f"What {place} may do is decided by who does not belong to it, as this key does."
        )


def _concerned(fields: tuple[str, ...]) -> bool:
    """Whether a change of these fields can give something more rights than it may have."""
    return not (RIGHTS | _ABOVE).isdisjoint(fields)
