"""A change by an administrator: who makes it, what it changes, and what auditors are told."""

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

    `organization` is the one whose things alone it sees; empty for who sees all. `within` are the
    teams in it to which that is limited besides. `declaring` is the name of a configuration file.
    `idempotency_key` is the one that came with the request.
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
        """The id of its key, or what else it is."""
        return self.principal.key_id or self.client


@frozen
class Change(Generic[T]):
    """What is about to change. Without `before` something is created, without `after` deleted.

    `action` is "create", "update", "delete" or the name of one of the collection's own actions;
    `fields` are those that differ. In `notes` a check may leave what `reveal` is to tell.
    """

    action: str
    id: str
    before: T | None
    after: T | None
    fields: tuple[str, ...]
    notes: dict[str, Any] = field(factory=dict)


@frozen
class Kept(Generic[T]):
    """A thing as it is kept. `version` counts its changes; `declared_in` names the file, if any.

    Times are seconds since 1970. `mark` tells it from one of the same id that was deleted before.
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
        """What `If-Match` must say."""
        return f'"{self.version}-{self.mark}"'


class AdminChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What auditors are told of a change, before it is made; it holds no value of any field.

    `before` and `after` are SHA-256 digests of the thing without its secrets, empty for none.
    A change that could not be made after all, or of which that is not known because the store gave
    no answer, is told of once more, with `outcome` "failed".
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
