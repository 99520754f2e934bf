"""What a limit applies to: a part of an organization, a provider, a model, a tag, a session, …"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from attrs import frozen

from jackfield.globs import matches

if TYPE_CHECKING:
    from jackfield.exchange import Exchange, Principal
    from jackfield.plan import Target

HOLDERS: Final = ("team", "user", "project", "key")
"""What principals name in their scopes besides the organization, which is the tenant."""

_VALUED: Final = ("organization", *HOLDERS, "provider", "model", "tag", "ip")
_FORMS: Final = (
    "gateway, organization:ID, team:ID, user:ID, project:ID, key:ID, provider:NAME, model:PATTERN,"
    " tag:NAME=VALUE, session, or ip:ADDRESS"
)


class Subject(msgspec.Struct, frozen=True):
    """The parts of a request that scopes look at.

    `requested_model` is the model as the client named it; `tags` has the tags that any scope is
    about. Before there is a target, nothing is in the scope of a provider or a model.
    """

    principal: "Principal"
    target: "Target | None"
    requested_model: str | None
    tags: Mapping[str, str]
    client: str = ""


@frozen
class Scope:
    """`team:search`. If the value is `*`, each value counts separately.

    A model's value is a pattern, and all models that match it count together.
    """

    kind: str
    value: str = ""
    tag: str = ""

    @classmethod
    def from_text(cls, text: str) -> "Scope":
        """Parse a scope. Raises ValueError, which names the text and what is allowed."""
        kind, _, value = text.partition(":")
        if text == "gateway":
            return cls("gateway")
        if kind == "session" and value in ("", "*"):
            return cls("tag", "*", "session")
        if kind not in _VALUED or not value:
            raise ValueError(f"not a scope: {text!r}; scopes are {_FORMS}")
        if kind != "tag":
            return cls(kind, value)
        name, _, value = value.partition("=")
        if not name or not value:
            raise ValueError(f"not a scope: {text!r}; a tag is tag:NAME=VALUE, or tag:NAME=*")
        return cls("tag", value, name)

    @property
    def each(self) -> bool:
        """Whether each value counts separately."""
        return self.value == "*" and self.kind != "model"

    @property
    def about_target(self) -> bool:
        """Whether it depends on the target: another target may not be in it."""
        return self.kind in ("provider", "model")

    def values(self, subject: Subject) -> list[str]:
        """The values that the scope has in a request; none if the request is not in it."""
        if self.kind == "gateway":
            return [""]
        if self.kind == "model":
            return [self.value] if _fits(self.value, subject) else []
        found = _FOUND[self.kind](self, subject)
        return [value for value in found if self.value in ("*", value)]


def _fits(pattern: str, subject: Subject) -> bool:
    target = subject.target
    if target is None:
        return False
    names = (f"{target.provider}/{target.model}", target.model, subject.requested_model or "")
    return any(matches(pattern, name) for name in names)


def _held(scope: Scope, subject: Subject) -> Iterable[str]:
    prefix = f"{scope.kind}:"
    scopes = subject.principal.scopes
    return [held.removeprefix(prefix) for held in scopes if held.startswith(prefix)]


def _tagged(scope: Scope, subject: Subject) -> Iterable[str]:
    value = subject.tags.get(scope.tag)
    return [] if value is None else [value]


_FOUND: Final[Mapping[str, Callable[[Scope, Subject], Iterable[str]]]] = {
    **dict.fromkeys(HOLDERS, _held),
    "organization": lambda scope, subject: [subject.principal.tenant],
    "provider": lambda scope, subject: [subject.target.provider] if subject.target else [],
    "tag": _tagged,
    "ip": lambda scope, subject: [subject.client],
}


class Subjects:
    """Makes the subjects of exchanges, and a key that is equal for those that look alike."""

    __slots__ = ("_client", "_tags", "_usual")

    def __init__(self, scopes: Iterable[Scope]) -> None:
        known = list(scopes)
        self._tags = tuple(sorted({scope.tag for scope in known if scope.tag}))
        self._client = any(scope.kind == "ip" for scope in known)
        self._usual = not self._tags and not self._client

    def key(self, exchange: "Exchange", target: "Target | None") -> tuple[object, ...]:
        """Everything that scopes see of an exchange, as a key for lookups."""
        principal = exchange.principal
        seen: tuple[object, ...] = (principal.tenant, principal.scopes)
        if target is not None:
            seen = (*seen, target.provider, target.model, exchange.model)
        if self._usual:
            return seen
        metadata = exchange.metadata if self._tags else {}
        tags = tuple([metadata.get(name) for name in self._tags])
        return seen, exchange.request.client if self._client else "", tags

    def subject(self, exchange: "Exchange", target: "Target | None") -> Subject:
        """What scopes see of an exchange."""
        metadata = exchange.metadata if self._tags else {}
        tags = {name: metadata[name] for name in self._tags if name in metadata}
        return Subject(exchange.principal, target, exchange.model, tags, exchange.request.client)
