"""What administrators may do: four roles, and the permission that each of them has."""

from typing import Final, Literal, get_args

Role = Literal["owner", "admin", "auditor", "member"]
Roles = frozenset[Role]

EVERYONE: Final[Roles] = frozenset(get_args(Role))
READERS: Final[Roles] = frozenset({"owner", "admin", "auditor"})
WRITERS: Final[Roles] = frozenset({"owner", "admin", "member"})
MANAGERS: Final[Roles] = frozenset({"owner", "admin"})
OWNERS: Final[Roles] = frozenset({"owner"})

MANAGE: Final = "manage"
"""The permission of the endpoints of collections. What is allowed there depends on the role."""


def permissions_of(role: str | None) -> frozenset[str]:
    """The permissions on the admin listener that come with a role; none without a role."""
    if role in MANAGERS:
        return frozenset({MANAGE, "admin", "explain"})
    if role == "auditor":
        return frozenset({MANAGE, "explain"})
    return frozenset({MANAGE}) if role in EVERYONE else frozenset()
