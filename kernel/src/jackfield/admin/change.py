"""A change by an administrator: who makes it, what it changes, and what auditors learn of it."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec
from attrs import field, frozen

from jackfield.admin.roles import Role
from jackfield.exchange import Principal

T = TypeVar("T")


@frozen
class Actor:
    """Who makes a change or reads.

    `organization` is the only one whose items the actor sees; if empty, the actor sees all.
    `within` are the teams in it to which the actor is further limited. `declaring` is the name of a
    configuration file. `idempotency_key` is the one that came with the request.
    """

    role: Role
    principal: Principal
    request_id: str = ""
    client: str = ""
    organization: str = ""
    within: tuple[str, ...] = ()
    declaring: str = ""
    idempotency_key: str = ""

    @property
    def name(self) -> str:
        """The id of its key, or what else identifies it."""
        return self.principal.key_id or self.client


@frozen
class Change(Generic[T]):
    """A change about to be made. Without `before` an item is created, without `after` deleted.

    `action` is "create", "update", "delete" or the name of one of the collection's own actions;
    `fields` are those that differ. In `notes` a check may leave what `reveal` will return.
    """

    action: str
    id: str
    before: T | None
    after: T | None
    fields: tuple[str, ...]
    notes: dict[str, Any] = field(factory=dict)


@frozen
class Stored(Generic[T]):
    """A stored item. `version` counts its changes; `declared_in` names the file, if any.

    Times are seconds since 1970. `mark` distinguishes it from a deleted item with the same id.
    `done` has the marks of the last actions that came with an idempotency key.
    """

    id: str
    item: T
    version: int
    created: float
    updated: float
    declared_in: str = ""
    mark: str = ""
    done: tuple[str, ...] = ()

    @property
    def etag(self) -> str:
        """The value that `If-Match` must have."""
        return f'"{self.version}-{self.mark}"'


class AdminChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What auditors receive about a change before it is made; it contains no field's value.

    `before` and `after` are SHA-256 digests of the item without its secrets, or empty. If a change
    could not be made after all, or if that is unknown because the store did not answer, auditors
    are told once more, with `outcome` "failed".
    """

    time: float
    request_id: str
    actor: str
    role: str
    tenant: str
    client: str
    action: str
    collection: str
    id: str
    before: str
    after: str
    fields: tuple[str, ...]
    outcome: Literal["accepted", "failed"] = "accepted"


Auditor = Callable[[AdminChange], Awaitable[None]]
"""Keeps a change for good. One that raises refuses the change."""
