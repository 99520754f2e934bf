"""Items that administrators manage: keys, teams, budgets. A plugin has a class for each kind."""

import secrets as randomness
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from attrs import evolve, frozen

from jackfield.admin.attributes import attributes_of
from jackfield.admin.change import Actor, Change, Stored
from jackfield.admin.item_store import ItemStore
from jackfield.admin.roles import EVERYONE, MANAGERS, WRITERS, Roles
from jackfield.exchange import Principal

if TYPE_CHECKING:
    from jackfield.setup import Setup
    from jackfield.store import Store

T = TypeVar("T")


@frozen
class NoArguments:
    """The arguments of an action that takes none."""


@frozen
class Action:
    """An additional operation on one item: `POST /jackfield/keys/{id}/rotate`.

    `Given` is an attrs class with the action's arguments.
    """

    name: str
    doc: str
    Given: type[Any] = NoArguments
    roles: Roles = MANAGERS


class Collection(Generic[T]):
    """One kind of item: its class, who may do what, and the rules that apply.

    `setup.add_admin_collection(collection)` offers it at `/jackfield/NAME`, and
    `jackfield.commands.resource_command` derives its command from the class. Ids are unique in the
    whole gateway, because a key is looked up before its organization is known. Members of an
    organization see only its items, and members of a team in it only those that belong to the team.
    """

    name: ClassVar[str]
    """In paths and on the command line: "keys"."""

    singular: ClassVar[str]
    """In messages, and in the scopes of principals: "key"."""

    Item: ClassVar[type[Any]]
    """An attrs class; declare its fields by `jackfield.option` or `jackfield.admin.attribute`."""

    label: ClassVar[str] = "name"
    """The field that `create` takes on the command line without an option, if there is one."""

    columns: ClassVar[tuple[str, ...]] = ()
    """The columns of the table on the command line; if empty, those that fit."""

    facts: ClassVar[Mapping[str, str]] = {}
    """Members that answers have in addition to the fields, with their meanings: see `known`."""

    revealed: ClassVar[Mapping[str, str]] = {}
    """Members that only answers to changes have, with what they mean: see `reveal`."""

    actions: ClassVar[tuple[Action, ...]] = ()
    creators: ClassVar[Roles] = MANAGERS
    readers: ClassVar[Roles] = EVERYONE
    writers: ClassVar[Roles] = WRITERS
    deleters: ClassVar[Roles] = MANAGERS
    """What each role may do; `writers` are also bound by the rights of the fields."""

    def __init__(self, setup: "Setup") -> None:
        self.setup = setup
        self.item_store: ItemStore[T] = ItemStore(setup, self.name, self.Item)

    @property
    def store(self) -> "Store":
        """Where the items are stored."""
        return self.setup.store

    # To override

    def id_of(self, item: T) -> str:
        """The id of a new item: random, unless a class derives it from the fields."""
        return randomness.token_hex(8)

    async def new_id(self, item: T, actor: Actor) -> str:
        """The id of what an actor creates: `id_of`, unless others could have the same one."""
        return self.id_of(item)

    async def find(self, id: str, actor: Actor) -> Stored[T] | None:
        """The item that an actor means by an id, whoever may see it. Raises StoreUnavailable."""
        return await self.get(id)

    async def completed(self, item: T, actor: Actor) -> T:
        """What an actor gives, with defaults for what is left out; called before any check."""
        return item

    def organization_of(self, id: str, item: T) -> str:
        """The organization that owns the item; empty for the gateway's own."""
        return str(getattr(item, "organization", None) or "")

    async def scopes_of(self, id: str, item: T) -> Sequence[str]:
        """The scopes it belongs to besides its organization, such as `team:search`.

        An administrator of a team manages only what belongs to the team.
        """
        return ()

    def is_own(self, id: str, item: T, principal: Principal) -> bool:
        """Whether it is the principal's own, which is all that a member may see."""
        return f"{self.singular}:{id}" in principal.scopes

    async def check(self, change: Change[T], actor: Actor) -> T | None:
        """Refuse what breaks a rule by raising GatewayError, or fill in what the gateway sets.

        No other change to any collection is made meanwhile, so it may look at other items. Return
        what is to be stored instead of `change.after`, or None to leave that unchanged.
        """
        return None

    def declared(self, item: T, stored: T) -> T:
        """The declared item, with what the gateway itself has set on the stored one."""
        own = {
            name: getattr(stored, name)
            for name, attribute in attributes_of(self.Item).items()
            if attribute.rights.given == "never"
        }
        wanted: Any = item
        return cast("T", evolve(wanted, **own))

    async def act(self, action: str, stored: Stored[T], given: Any, actor: Actor) -> T:
        """Carry out one of `actions`: return the resulting item. `check` is called afterwards."""
        raise NotImplementedError(action)

    async def reveal(self, change: Change[T], actor: Actor) -> Mapping[str, Any]:
        """Members to add to the answer once a change has been made, such as a new key.

        Also called, with empty `notes`, when a create or an action is repeated with its idempotency
        key.
        """
        return {}

    async def known(self, things: Sequence[Stored[T]]) -> Sequence[Mapping[str, Any]]:
        """The `facts` of each item, such as what has been spent: always read, never given."""
        return [{}] * len(things)

    # To use

    async def get(self, id: str) -> Stored[T] | None:
        """The item with this id, if there is one, whoever asks. Raises StoreUnavailable."""
        return await self.item_store.get(id)

    def all(self) -> AsyncIterator[Stored[T]]:
        """All items in the collection, ordered by id. Raises StoreUnavailable."""
        return self.item_store.all()

    def changes(self) -> AsyncIterator[str | None]:
        """The ids of items that change from now on, here and in other processes.

        None means that some may have been missed; the first is None, once it is listening.
        """
        return self.item_store.changes()
