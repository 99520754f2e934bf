"""The collection of keys, whose secrets are shown only when they are generated."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, ClassVar, Final

import msgspec
from attrs import evolve, frozen

from jackfield.admin import Action, Actor, Change, Stored
from jackfield.admin.errors import Declared
from jackfield.config import option
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.setup import Setup
from jackfield.store import Value

from .hierarchy import REVOKE, Hierarchy, HolderCollection
from .holders import Place, VirtualKey
from .key_text import new_key_text, written
from .lifetimes import seconds_of
from .lineage import trace
from .pepper import Pepper
from .rights import Allowed

_RANKS: Final = ("member", "auditor", "admin", "owner")
_LONGEST_NAME: Final = 200
_SHOWN_BEFORE: Final = {
    "create": "The key was shown when it was created; rotate it to get another.",
    "rotate": "The key was shown when it was rotated; rotate it again, under another idempotency"
    " key, to get another.",
}


def _check_grace(instance: object, attribute: object, text: str) -> None:
    seconds_of(text)


@frozen
class Rotation:
    """The options of a rotation."""

    grace: str = option(
        "24h",
        "How long the previous secret is still accepted, such as `24h`; `0` for not at all.",
        validator=_check_grace,
    )


class Digests(msgspec.Struct, frozen=True):
    """The digests that a secret is compared with."""

    digest: str
    previous: str = ""
    previous_until: datetime | None = None

    def match(self, digest: str, now: float) -> tuple[bool, float | None]:
        """Whether a digest matches, and until when; takes the same time for any digest."""
        until = self.previous_until.timestamp() if self.previous_until is not None else 0.0
        is_current = hmac.compare_digest(digest, self.digest)
        is_previous = hmac.compare_digest(digest, self.previous or NOBODYS.digest)
        if is_current:
            return True, None
        return is_previous and now < until, until


class _Envelope(msgspec.Struct, frozen=True):
    item: Digests


NOBODYS: Final = Digests("0" * 64)
"""Used for a key that does not exist; no secret matches them."""

_NOTHING: Final = msgspec.json.encode(
    {"item": {"name": "x" * 20, "digest": NOBODYS.digest, "issued": "2026-11-22T00:00:00+00:00"}}
)
_decode = msgspec.json.Decoder(_Envelope).decode


def digests_in(value: Value | None) -> Digests:
    """The digests in a value of the store; takes the same time if there is no value."""
    found = _decode(value.data if value is not None else _NOTHING).item
    return found if value is not None else NOBODYS


class VirtualKeyCollection(HolderCollection[VirtualKey]):
    """The keys of a gateway."""

    name = "keys"
    singular = "key"
    Item = VirtualKey
    columns = ("name", "organization", "team", "user", "project", "expires", "revoked")
    revealed: ClassVar[Mapping[str, str]] = {
        "key": "The key itself, only in the answer to its creation or rotation.",
        "note": "Why the answer to a repeated request does not have the key.",
    }
    actions = (
        Action("rotate", "Give it a new secret; the old one is accepted for a while.", Rotation),
        REVOKE,
    )

    def __init__(self, setup: Setup, hierarchy: Hierarchy, pepper: Pepper) -> None:
        super().__init__(setup, hierarchy)
        self.pepper = pepper

    def id_of(self, item: VirtualKey) -> str:
        """A random id, which is part of the key."""
        return new_key_text().id

    async def new_id(self, item: VirtualKey, actor: Actor) -> str:
        """A random id, which is unique."""
        return self.id_of(item)

    async def find(self, id: str, actor: Actor) -> Stored[VirtualKey] | None:
        """Find a key by id; names of keys need not be unique."""
        return await self.get(id)

    def named(self, id: str, item: VirtualKey) -> VirtualKey:
        """Check the name, which need not be unique."""
        if not item.name.isprintable() or len(item.name) > _LONGEST_NAME:
            raise InvalidRequest(
                f"`name` must have at most {_LONGEST_NAME} printable characters.", param="name"
            )
        return item

    def declared(self, item: VirtualKey, stored: VirtualKey) -> VirtualKey:
        """A declared key; if its secret has changed, the previous one is invalid."""
        same = super().declared(item, stored)
        if item.digest in ("", stored.digest):
            return same
        return evolve(same, digest=item.digest, previous="", previous_until=None)

    async def act(
        self, action: str, stored: Stored[VirtualKey], given: Any, actor: Actor
    ) -> VirtualKey:
        """Rotate it, or revoke it for good."""
        key = stored.item
        if action == "revoke":
            return evolve(key, revoked=True, previous="", previous_until=None)
        if stored.declared_in:
            raise Declared(
                f"The key {stored.id} is declared by {stored.declared_in}; replace it there."
            )
        if key.revoked:
            raise InvalidRequest(f"The key {stored.id} has been revoked; create another one.")
        grace = seconds_of(given.grace)
        until = datetime.fromtimestamp(ceil(self.setup.ledger.now()) + grace, UTC)
        return evolve(
            key, previous=key.digest if grace else "", previous_until=until if grace else None
        )

    async def check(self, change: Change[VirtualKey], actor: Actor) -> VirtualKey | None:
        """Refuse excessive rights, and generate the secret of a new key."""
        _check_rank(change, actor)
        if change.after is None:
            return None  # nothing belongs to a key
        key = await super().check(change, actor)
        if key is None:
            return None
        lineage = await trace(Place("key", change.id), key, self.hierarchy.find)
        if change.before is not None and change.action == "rotate":
            key = _without_more_time(key, change.before, lineage.allowed)
        if change.action == "rotate" or not key.digest:
            text = new_key_text(change.id)
            change.notes["key"] = written(text)
            key = evolve(key, digest=self.pepper.digest(text.secret))
        if change.before is None or change.before.digest != key.digest:
            key = evolve(key, issued=self._now())
        if change.action in ("create", "update"):
            _check_role(key, lineage.allowed)
            if change.action == "create" or "expires" in change.fields:
                _check_expiry(key, lineage.allowed, self._now())
        return key

    async def reveal(self, change: Change[VirtualKey], actor: Actor) -> Mapping[str, Any]:
        """The key itself, only in the answer to its creation or rotation."""
        await super().reveal(change, actor)
        if "key" in change.notes:
            return {"key": change.notes["key"]}
        return {"note": _SHOWN_BEFORE[change.action]} if change.action in _SHOWN_BEFORE else {}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self.setup.ledger.now()), UTC)


def ends_at(key: VirtualKey, allowed: Allowed) -> datetime | None:
    """When a key expires, by its own fields or by its age."""
    ends = allowed.expires
    if allowed.lifetime is not None and key.issued is not None:
        aged = key.issued + timedelta(seconds=allowed.lifetime)
        ends = aged if ends is None else min(ends, aged)
    return ends


def _without_more_time(key: VirtualKey, before: VirtualKey, allowed: Allowed) -> VirtualKey:
    """The key, whose previous secret expires no later than without the rotation."""
    ends = ends_at(before, allowed)
    if ends is None or key.previous_until is None or key.previous_until <= ends:
        return key
    return evolve(key, previous_until=ends)


def _check_rank(change: Change[VirtualKey], actor: Actor) -> None:
    """Raise Forbidden if an actor would obtain a role above its own."""
    for key in (change.before, change.after):
        if key is not None and key.role and _RANKS.index(key.role) > _RANKS.index(actor.role):
            raise Forbidden(
                f"Keys with the role {key.role!r} may not be created or changed by the role"
                f" {actor.role!r}.",
                param="role",
            )


def _check_role(key: VirtualKey, allowed: Allowed) -> None:
    if key.role is not None and key.role not in (allowed.roles or ()):
        raise InvalidRequest(
            f"No key here may have the role {key.role!r}: `roles` of what it belongs to, up to its"
            " organization, must name it.",
            param="role",
        )


def _check_expiry(key: VirtualKey, allowed: Allowed, now: datetime) -> None:
    if key.expires is None:
        return
    if key.expires <= now:
        raise InvalidRequest(f"`expires` must be in the future: it is {now} now.", param="expires")
    longest = ends_at(key, allowed)
    if longest is not None and longest < key.expires:
        raise InvalidRequest(
            f"The key may be valid until {longest} at most, because of `max_lifetime`.",
            param="expires",
        )
