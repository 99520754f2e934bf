"""Organizations, teams, users, projects and keys that the configuration file declares."""

from collections.abc import Mapping
from typing import TypeVar

import attrs
from attrs import evolve, frozen

from jackfield.admin.attributes import attributes_of
from jackfield.config import option

from .declared_keys import DeclaredKey
from .holders import NAME, RIGHT_NAME, Holder, Member, Organization, Project, Team, User

M = TypeVar("M", bound=Member)
H = TypeVar("H", bound=Holder)


@frozen(kw_only=True)
class Declared:
    """The tables with declarations, each under its id."""

    organizations: Mapping[str, Organization] = option({}, "Organizations, by their ids.")
    teams: Mapping[str, Team] = option({}, "Teams, by their ids.")
    users: Mapping[str, User] = option({}, "Users and service accounts, by their ids.")
    projects: Mapping[str, Project] = option({}, "Projects, by their ids.")
    keys: Mapping[str, DeclaredKey] = option({}, "Keys that were made elsewhere, by their names.")

    def check(self) -> None:
        """Raise ValueError for invalid ids, and for fields that cannot be declared."""
        self._ordered_teams()
        for kind in attrs.fields(Declared):
            for name, item in getattr(self, kind.name).items():
                if not NAME.fullmatch(name):
                    raise ValueError(f"{kind.name}.{name[:80]}: an id must be {RIGHT_NAME}")
                for field, attribute in attributes_of(type(item)).items():
                    is_own = attribute.rights.given == "never"
                    if is_own and getattr(item, field) != attribute.default:
                        raise ValueError(f"{kind.name}.{name}.{field}: only the gateway can set it")

    def in_order(self) -> dict[str, Mapping[str, Holder]]:
        """All declarations by kind, with names and organizations, parents before children."""
        teams = self._ordered_teams()
        return {
            "organization": _named(self.organizations),
            "team": _named(teams),
            "user": _named(_placed(self.users, teams)),
            "project": _named(_placed(self.projects, teams)),
        }

    def _ordered_teams(self) -> dict[str, Team]:
        """The teams, parents first. Raises ValueError for a cycle."""
        ordered: dict[str, Team] = {}

        def add(name: str, below: tuple[str, ...]) -> None:
            team, below = self.teams[name], (*below, name)
            if team.parent in below:
                circle = " is in ".join([*below[below.index(team.parent) :], team.parent])
                raise ValueError(f"teams.{name}.parent: a team cannot be above itself: {circle}")
            if team.parent in self.teams:
                add(team.parent, below)
            if name not in ordered:
                above = ordered.get(team.parent)
                known = team.organization or (above.organization if above else "")
                ordered[name] = evolve(team, organization=known)

        for name in self.teams:
            add(name, ())
        return ordered


def _placed(members: Mapping[str, M], teams: Mapping[str, Team]) -> dict[str, M]:
    """The members with the organizations of their teams, if these are declared too."""
    return {
        name: evolve(member, organization=teams[member.team].organization)
        if not member.organization and member.team in teams
        else member
        for name, member in members.items()
    }


def _named(items: Mapping[str, H]) -> dict[str, H]:
    return {name: evolve(item, name=item.name or name) for name, item in items.items()}
