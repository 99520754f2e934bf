"""A collection and the plugins of a gateway in which it is administered."""

from typing import Any, Literal

from attrs import evolve, frozen
from attrs.validators import ge, matches_re

from jackfield import Exchange, Plugin, Principal, Setup, Unauthenticated, hookimpl
from jackfield.admin import (
    EVERYONE,
    OWNERS,
    Action,
    Actor,
    AdminChange,
    Change,
    Collection,
    InUse,
    Stored,
    attribute,
    permissions_of,
)
from jackfield.commands import resource_command
from jackfield.config import option
from jackfield.errors import InvalidRequest
from jackfield.testing.memory_store import MemoryStore


@frozen
class Team:
    """A group of people."""

    name: str = attribute(doc="What it is called.", given="once", validator=matches_re(r"[a-z]+"))
    organization: str = attribute("", "Whose it is.", given="once")
    parent: str | None = option(None, "The team above it.")
    seats: int = option(0, "How many people it has room for.", validator=ge(0))
    note: str = attribute("", "What its members write.", write=EVERYONE)
    rank: Literal["high", "low"] = attribute("low", "How it ranks.", write=OWNERS)
    tags: tuple[str, ...] = option((), "Words about it.")
    open: bool = option(False, "Whether anybody may join it.")
    pin: str = attribute("", "What nobody is shown.", secret=True)
    mark: str = attribute("", "What the gateway makes.", given="never", read=OWNERS)


@frozen
class Growth:
    """The arguments of `grow`."""

    by: int = option(1, "How many seats more.", validator=ge(1))


class Teams(Collection[Team]):
    """Teams, of which none is above itself."""

    name = "teams"
    singular = "team"
    Item = Team
    actions = (Action("grow", "Make room for more people.", Growth),)
    last_revealed = ""

    def id_of(self, item: Team) -> str:
        return item.name

    async def check(self, change: Change[Team], actor: Actor) -> Team | None:
        if change.after is None:
            if [one async for one in self.all() if one.item.parent == change.id]:
                raise InUse(f"There are teams below {change.id}.")
            return None
        above = change.after.parent
        while above is not None:
            if above == change.id:
                raise InvalidRequest("`parent` leads back to the team itself.", param="parent")
            stored = await self.get(above)
            if stored is None:
                raise InvalidRequest(f"There is no team {above!r}.", param="parent")
            above = stored.item.parent
        if change.before is not None:
            return None
        change.notes["key"] = f"key of {change.id}"
        return evolve(change.after, mark="made")

    async def act(self, action: str, stored: Stored[Team], given: Any, actor: Actor) -> Team:
        return evolve(stored.item, seats=stored.item.seats + given.by)

    async def reveal(self, change: Change[Team], actor: Actor) -> dict[str, str]:
        self.last_revealed = change.id
        return change.notes


class Memory(Plugin):
    """Brings the store."""

    brings_store = True
    shared: MemoryStore | None = None

    async def start(self, setup: Setup) -> None:
        setup.add_store(self.shared or MemoryStore())


class Office(Plugin):
    """Offers the teams, declares some, and keeps what auditors receive."""

    @frozen
    class Config:
        teams: dict[str, int] = option({}, "Teams and their seats.")
        parents: dict[str, str] = option({}, "Teams and those above them.")

    teams: Teams
    broken = False

    async def start(self, setup: Setup) -> None:
        self.audited: list[AdminChange] = []
        self.teams = Teams(setup)
        setup.add_admin_collection(self.teams)
        declared = {
            name: Team(name=name, seats=seats, parent=self.config.parents.get(name))
            for name, seats in self.config.teams.items()
        }
        setup.declare(self.teams, declared, "plugins", "office", "teams")
        setup.add_auditor(self._keep)

    async def _keep(self, change: AdminChange) -> None:
        if self.broken:
            raise OSError("disk full")
        self.audited.append(change)


class Keys(Plugin):
    """Knows who asks by a key of the form ROLE:ORGANIZATION:TEAM."""

    authenticates = True
    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        given = exchange.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            return
        role, _, rest = given.partition(":")
        organization, _, team = rest.partition(":")
        if role not in EVERYONE:
            raise Unauthenticated("This key is not known.")
        scopes = tuple(
            f"{kind}:{one}" for kind, one in (("organization", organization), ("team", team)) if one
        )
        tenant = organization or "admin"
        permissions = permissions_of(role)
        exchange.set_principal(
            Principal(tenant, f"{role} key", permissions, scopes=scopes, role=role)
        )


teams_command = resource_command(Teams)

PLUGINS: dict[str, type[Plugin]] = {"memory": Memory, "office": Office, "keys": Keys}
TOML = "[plugins.memory]\n[plugins.office]\n[plugins.keys]\n"
