"""Organizations, teams, users and projects: what keys belong to."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from attrs import frozen

from jackfield.admin import OWNERS, Role, attribute
from jackfield.config import option

from .rights import Rights

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?")

RIGHT_NAME: Final = "1 to 64 of a-z, 0-9, _, . and -, with a letter or a digit at both ends"
QUALIFIED: Final = re.compile(rf"({NAME.pattern})(?:@({NAME.pattern}))?")
"""An id: the name, and the organization where another one had that name first."""

_MOST_METADATA: Final = 16
_LONGEST_METADATA: Final = 256


class Place(NamedTuple):
    """A position in the hierarchy, such as `team:search`."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def _check_name(instance: object, attribute: object, name: str) -> None:
    if name and not NAME.fullmatch(name):
        raise ValueError(f"must be {RIGHT_NAME}")


def _check_metadata(instance: object, attribute: object, metadata: Mapping[str, str]) -> None:
    if len(metadata) > _MOST_METADATA:
        raise ValueError(f"has {len(metadata)} members; the maximum is {_MOST_METADATA}")
    for name, text in metadata.items():
        if not re.fullmatch(r"[a-z0-9_.-]{1,64}", name):
            raise ValueError(f"the name {name[:80]!r} must be 1 to 64 of a-z, 0-9, _, . and -")
        if len(text) > _LONGEST_METADATA or not text.isprintable():
            raise ValueError(f"{name} must have at most {_LONGEST_METADATA} printable characters")


@frozen(kw_only=True)
class Holder(Rights):
    """Has rights, and keys below it. `name` is unique among its kind in the organization."""

    name: str = attribute(
        "",
        f"{RIGHT_NAME}; unique in the organization, and its id.",
        given="once",
        validator=_check_name,
    )
    metadata: Mapping[str, str] = option(
        {}, "What is said of every request of its keys.", validator=_check_metadata
    )
    revoked: bool = attribute(False, "Whether its keys, and all below, are refused.", given="never")

    def parents(self) -> Iterator[Place]:
        """What it belongs to; all of these bound its rights."""
        yield from ()


@frozen(kw_only=True)
class Organization(Holder):
    """A tenant. Nothing is shared between organizations."""


@frozen(kw_only=True)
class Team(Holder):
    """A part of an organization, or of another team."""

    organization: str = attribute(
        "", "The organization; that of `parent` if left out.", given="once"
    )
    parent: str = option("", "The team that it is part of.")

    def parents(self) -> Iterator[Place]:
        """The team above, else the organization."""
        yield (
            Place("team", self.parent) if self.parent else Place("organization", self.organization)
        )


@frozen(kw_only=True)
class Member(Holder):
    """Belongs to a team, or directly to an organization."""

    organization: str = attribute("", "The organization; that of `team` if left out.", given="once")
    team: str = option("", "The team.")

    def parents(self) -> Iterator[Place]:
        """The team, else the organization."""
        yield Place("team", self.team) if self.team else Place("organization", self.organization)


@frozen(kw_only=True)
class User(Member):
    """A person or a program that calls."""

    kind: Literal["person", "service"] = option(
        "person", "Whether it is a person or a service account."
    )


@frozen(kw_only=True)
class Project(Member):
    """A project, to which keys may belong."""


@frozen(kw_only=True)
class VirtualKey(Holder):
    """A key. Its rights are bounded by everything it belongs to."""

    name: str = attribute("", "What it is for.")
    organization: str = attribute(
        "", "The organization; by default that of the other three.", given="once"
    )
    team: str = attribute("", "The team that it belongs to.", given="once")
    user: str = attribute("", "The user, or service account, that it belongs to.", given="once")
    project: str = attribute("", "The project that it belongs to.", given="once")
    role: Role | None = attribute(
        None, "What it may do in administration, on the admin listener.", write=OWNERS
    )
    issued: datetime | None = attribute(None, "When its secret was generated.", given="never")
    digest: str = attribute("", "The digest of its secret.", given="never", secret=True)
    previous: str = attribute("", "The digest of the previous secret.", given="never", secret=True)
    previous_until: datetime | None = attribute(
        None, "Until when the previous secret is accepted.", given="never"
    )

    def parents(self) -> Iterator[Place]:
        """The user, the project and the team, else the organization."""
        named = [Place("team", self.team), Place("user", self.user), Place("project", self.project)]
        yield from [place for place in named if place.id] or [
            Place("organization", self.organization)
        ]
