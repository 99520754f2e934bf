"""Things that administrators keep: keys, teams, budgets. A plugin has a class for each kind."""

import secrets as randomness
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import evolve, frozen

from jackfield.admin.attributes import attributes_of
from jackfield.admin.change import Actor, Change, Kept
from jackfield.admin.roles import EVERYONE, MANAGERS, WRITERS, Roles
from jackfield.admin.shelf import Shelf
from jackfield.exchange import Principal

if TYPE_CHECKING:
    from jackfield.setup import Setup
    from jackfield.store import Store

T = TypeVar("T")


@frozen
class Nothing:
    """What is said with an action that needs nothing said."""


@frozen
class Action:
    """Something else that can be done with one thing: `POST /jackfield/keys/{id}/rotate`.

    `Given` is an attrs class of what may be said with it.
    """

    name: str
    doc: str
    Given: type[Any] = Nothing
    roles: Roles = MANAGERS


class Collection(Generic[T]):
    """One kind of things: their class, who may do what, and the rules that hold among them.

    `setup.add_admin_collection(collection)` offers them at `/jackfield/NAME`, and
    `jackfield.commands.resource_command` makes the command for them from the class. Ids are unique
    in the whole gateway, for a key is looked up before its organization is known; who belongs to
    an organization sees the things of that one alone, and who belongs to a team in it those that
    fall under the team.
    """

    name: ClassVar[str]
    """In paths and on the command line: "keys"."""

    singular: ClassVar[str]
    """In messages, and in the scopes of principals: "key"."""

    Item: ClassVar[type[Any]]
    """An attrs class; its fields are made by `jackfield.option` or `jackfield.admin.attribute`."""

    label: ClassVar[str] = "name"
    """The field that `create` takes on the command line without an option, if there is one."""

    columns: ClassVar[tuple[str, ...]] = ()
    """The fields in the table on the command line; those that fit when empty."""

    facts: ClassVar[Mapping[str, str]] = {}
    """Members that answers have besides the fields, with what they mean: see `known`."""

    actions: ClassVar[tuple[Action, ...]] = ()
    creators: ClassVar[Roles] = MANAGERS
    readers: ClassVar[Roles] = EVERYONE
    writers: ClassVar[Roles] = WRITERS
    deleters: ClassVar[Roles] = MANAGERS
    """What the roles may do at all; `writers` are bound by the rights of the fields besides."""

    def __init__(self, setup: "Setup") -> None:
        self.setup = setup
        self.shelf: Shelf[T] = Shelf(setup, self.name, self.Item)

    @property
    def store(self) -> "Store":
        """Where it is all kept."""
        return self.setup.store

    # To override

    def id_of(self, item: T) -> str:
        """The id of something new: a random one, unless a class makes it of the fields."""
        return randomness.token_hex(8)

    async def new_id(self, item: T, actor: Actor) -> str:
        """The id of what an actor creates: `id_of`, unless that can be what another one has."""
        return self.id_of(item)

    async def find(self, id: str, actor: Actor) -> Kept[T] | None:
        """What an actor means by an id, whoever may see it. Raises StoreUnavailable."""
        return await self.get(id)

    async def completed(self, item: T, actor: Actor) -> T:
        """What an actor gives, with what it leaves unsaid: before anything of it is judged."""
        return item

    def organization_of(self, id: str, item: T) -> str:
        """The organization whose it is; empty for the gateway's own."""
        return str(getattr(item, "organization", None) or "")

    async def scopes_of(self, id: str, item: T) -> Sequence[str]:
        """What it falls under besides its organization, such as `team:search`.

        An administrator of a team manages what falls under that alone.
        """
        return ()

    def is_own(self, id: str, item: T, principal: Principal) -> bool:
        """Whether it is the principal's own, which is all that a member may see."""
        return f"{self.singular}:{id}" in principal.scopes

    async def check(self, change: Change[T], actor: Actor) -> T | None:
        """Refuse what breaks a rule, by raising GatewayError, or fill in what the gateway sets.

        No other change of any collection is made meanwhile, so that it may look at other things.
        Return what is to be kept in place of `change.after`, or None to leave it as it is.
        """
        return None

    def declared(self, item: T, kept: T) -> T:
        """What is declared, with what the gateway itself has set of what is kept."""
        own = {
            name: getattr(kept, name)
            for name, attribute in attributes_of(self.Item).items()
            if attribute.rights.given == "never"
        }
        wanted: Any = item
        completed: T = evolve(wanted, **own)
        return completed

    async def act(self, action: str, kept: Kept[T], given: Any, actor: Actor) -> T:
        """Carry out one of `actions`: return what the thing becomes. `check` comes after it."""
        raise NotImplementedError(action)

    async def reveal(self, change: Change[T], actor: Actor) -> Mapping[str, Any]:
        """Members to add to the answer to a change that has been made, such as a new key.

        Also called, with empty `notes`, when a create or an action is repeated with its idempotency
        key.
        """
        return {}

    async def known(self, things: Sequence[Kept[T]]) -> Sequence[Mapping[str, Any]]:
        """The `facts` of each thing, such as what has been spent: read afresh, never given."""
        return [{}] * len(things)

    # To use

    async def get(self, id: str) -> Kept[T] | None:
        """The thing of this id, if there is one, whoever asks. Raises StoreUnavailable."""
        return await self.shelf.get(id)

    def all(self) -> AsyncIterator[Kept[T]]:
        """Everything in the collection, in the order of the ids. Raises StoreUnavailable."""
        return self.shelf.all()

    def changes(self) -> AsyncIterator[str | None]:
        """The ids of what is changed from now on, here and in other processes.

        None means that some may have been missed; it comes first, once it listens.
        """
        return self.shelf.changes()
