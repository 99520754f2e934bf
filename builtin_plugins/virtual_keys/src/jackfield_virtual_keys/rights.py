"""The rights of organizations, teams, users, projects and keys, which only shrink downwards."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

from attrs import evolve, frozen

from jackfield.admin import OWNERS, attribute
from jackfield.config import option

from . import networks, patterns
from .lifetimes import seconds_of, text_of

Words = tuple[str, ...]

ROLES: Final = ("owner", "admin", "auditor", "member")
FIRST_PERMISSIONS: Final = ("inference", "models")
"""What an organization may do that says nothing of it. What callers of a provider share, such as
its files and batches, could else be seen by all organizations."""

USUAL_PERMISSIONS: Final = (
    *FIRST_PERMISSIONS,
    *("admin", "batches", "explain", "files", "resources", "usage"),
)
"""Those of the built-in plugins; a front door that is closed may be opened later."""

_MOST_WORDS: Final = 64
_LONGEST_SHOWN: Final = 80
_PERMISSION: Final = re.compile(r"\*|[a-z][a-z_.]{0,63}")
_METADATA: Final = re.compile(r"[a-z0-9_.-]{1,64}")


def _each(problem_of: Callable[[str], str | None]) -> Callable[..., None]:
    def check(instance: object, attribute: object, words: Words | None) -> None:
        if len(words or ()) > _MOST_WORDS:
            raise ValueError(f"has {len(words or ())} entries; the maximum is {_MOST_WORDS}")
        for word in words or ():
            if problem := problem_of(word):
                raise ValueError(f"the entry {word[:_LONGEST_SHOWN]!r} {problem}")

    return check


def _permission_problem(word: str) -> str | None:
    known = _PERMISSION.fullmatch(word)
    return None if known else "is no permission; docs/endpoints.md has them all"


def _role_problem(word: str) -> str | None:
    return None if word in ROLES else f"is not a role; roles are {', '.join(ROLES)}"


def _metadata_problem(word: str) -> str | None:
    return None if _METADATA.fullmatch(word) else "must be 1 to 64 of a-z, 0-9, _, . and -"


def _check_lifetime(instance: object, attribute: object, text: str | None) -> None:
    if text is not None and seconds_of(text) == 0:
        raise ValueError("must be longer than 0")


def _check_moment(instance: object, attribute: object, moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("must have an offset from UTC, as in 2027-01-31T00:00:00Z")


@frozen(kw_only=True)
class Rights:
    """What is allowed. Fields that are left out are inherited; an empty array allows nothing."""

    permissions: Words | None = option(
        None,
        "Permissions of endpoints, or `*` for all; an organization without them has `inference` and"
        " `models`.",
        validator=_each(_permission_problem),
    )
    operations: Words | None = option(
        None, "Patterns of operations, such as `chat`.", validator=_each(patterns.problem_of)
    )
    models: Words | None = option(
        None,
        "Patterns of aliases and models, with `*` for any text; a model is matched as"
        " `provider/model` and by its own name.",
        validator=_each(patterns.problem_of),
    )
    providers: Words | None = option(
        None, "Patterns of providers.", validator=_each(patterns.problem_of)
    )
    addresses: Words | None = option(
        None,
        "Networks that requests may come from, such as `10.0.0.0/8`.",
        validator=_each(networks.problem_of),
    )
    expires: datetime | None = option(
        None, "When keys end, with the offset from UTC.", validator=_check_moment
    )
    max_lifetime: str | None = option(
        None, "How long a key may live, such as `90d`.", validator=_check_lifetime
    )
    required_metadata: Words = option(
        (),
        "Names that every request must have a value for in `x-jackfield-metadata`.",
        validator=_each(_metadata_problem),
    )
    roles: Words | None = attribute(
        None,
        "Roles that keys may have in administration; an organization without them has none.",
        validator=_each(_role_problem),
        write=OWNERS,
    )


@frozen
class Allowed:
    """Effective rights: those of an item and of everything above it, combined."""

    permissions: Words | None = None
    operations: Words | None = None
    models: Words | None = None
    providers: Words | None = None
    addresses: Words | None = None
    expires: datetime | None = None
    lifetime: int | None = None
    required_metadata: Words = ()
    roles: Words | None = None


def allowed_by(rights: Rights) -> Allowed:
    """What rights allow by themselves."""
    plain = {name: getattr(rights, name) for name in _SETS}
    lifetime = _lifetime(rights)
    return Allowed(
        **plain,
        expires=rights.expires,
        lifetime=lifetime,
        required_metadata=rights.required_metadata,
    )


def topmost(rights: Rights) -> Allowed:
    """The rights of an item that has nothing above it."""
    allowed = allowed_by(rights)
    return evolve(
        allowed,
        permissions=FIRST_PERMISSIONS if rights.permissions is None else rights.permissions,
        roles=() if rights.roles is None else rights.roles,
    )


def narrowed(above: Sequence[Allowed], rights: Rights) -> Allowed:
    """The effective rights of an item with `rights` that belongs to all of `above`.

    They never exceed any of these, even if those have shrunk since `rights` were given.
    """
    return reduce(_common, (*above, allowed_by(rights)))


def excess(rights: Rights, above: Sequence[Allowed]) -> Iterator[tuple[str, str]]:
    """What `rights` allow beyond any of `above`: fields, each with a reason."""
    for one in above:
        for name, (is_within, _) in _SETS.items():
            wanted, allowed = getattr(rights, name), getattr(one, name)
            if wanted is not None and allowed is not None:
                more = [word for word in wanted if not is_within(word, allowed)]
                if more:
                    yield name, f"{', '.join(more)} is more than {', '.join(allowed) or 'nothing'}"
        if rights.expires and one.expires and rights.expires > one.expires:
            yield "expires", f"{rights.expires} is later than {one.expires}"
        lifetime = _lifetime(rights)
        if lifetime is not None and one.lifetime is not None and lifetime > one.lifetime:
            yield "max_lifetime", f"{rights.max_lifetime} is longer than {text_of(one.lifetime)}"


def _lifetime(rights: Rights) -> int | None:
    return seconds_of(rights.max_lifetime) if rights.max_lifetime else None


def _common(one: Allowed, other: Allowed) -> Allowed:
    shared = {
        name: _both(getattr(one, name), getattr(other, name), common)
        for name, (_, common) in _SETS.items()
    }
    required = (*one.required_metadata, *other.required_metadata)
    return Allowed(
        **shared,
        expires=_both(one.expires, other.expires, min),
        lifetime=_both(one.lifetime, other.lifetime, min),
        required_metadata=tuple(dict.fromkeys(required)),
    )


def _both(one: Any, other: Any, common: Callable[[Any, Any], Any]) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return one if one == other else common(one, other)


def _is_word_within(word: str, allowed: Words) -> bool:
    return word in allowed or "*" in allowed


def _common_words(one: Words, other: Words) -> Words:
    if "*" in one or "*" in other:
        return other if "*" in one else one
    return tuple([word for word in one if word in other])


_SETS: Final[dict[str, tuple[Callable[[str, Words], bool], Callable[[Words, Words], Words]]]] = {
    "permissions": (_is_word_within, _common_words),
    "operations": (patterns.is_within, patterns.common),
    "models": (patterns.is_within, patterns.common),
    "providers": (patterns.is_within, patterns.common),
    "addresses": (networks.is_within, networks.common),
    "roles": (_is_word_within, _common_words),
}
