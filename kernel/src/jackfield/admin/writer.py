"""Makes changes: rights, rules, audit, and then one write that no other change can precede."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.admin.change import Actor, AdminChange, Change, Kept
from jackfield.admin.collection import Action, Collection
from jackfield.admin.errors import AlreadyExists, AuditUnavailable, Declared, Stale
from jackfield.admin.guard import Guard
from jackfield.admin.items import differing, digest, merged, plain, read_item
from jackfield.admin.lock import Turn
from jackfield.admin.rehearsal import REHEARSED
from jackfield.admin.reporting import report
from jackfield.store import Conflict

T = TypeVar("T")


@frozen
class Made(Generic[T]):
    """A change that was made: the stored item, None after a deletion, and what to add."""

    kept: Kept[T] | None
    revealed: Mapping[str, Any]


class Writer(Generic[T]):
    """Changes the items of one collection. Every method requires the turn to make changes."""

    def __init__(self, collection: Collection[T]) -> None:
        self._collection = collection
        self._guard = Guard(collection)

    async def draft(self, given: Mapping[str, Any], actor: Actor) -> Kept[T]:
        """A new item as it would be stored. Raises GatewayError if it is not allowed."""
        collection = self._collection
        given = self._guard.completed(given, actor)
        self._guard.check_given(given, {}, actor)
        item = await collection.completed(read_item(collection.Item, given), actor)
        draft = collection.shelf.draft(await collection.new_id(item, actor), item)
        await self._guard.check_place(draft.id, item, actor)
        return draft

    async def create(self, draft: Kept[T], actor: Actor, turn: Turn) -> Made[T]:
        """Store a new item."""
        if await self._collection.get(draft.id) is not None:
            raise AlreadyExists(f"The {self._collection.singular} {draft.id!r} exists already.")
        change = Change("create", draft.id, None, draft.item, differing(None, draft.item))
        return await self._make(change, draft, actor, turn)

    async def update(
        self, kept: Kept[T], patch: Mapping[str, Any], actor: Actor, turn: Turn
    ) -> Made[T]:
        """Change some fields of an item."""
        self._check_declared(kept, actor)
        before = plain(kept.item)
        unknown = {key: value for key, value in patch.items() if key not in before}
        after = {**unknown, **merged(before, patch)}
        self._guard.check_given(
            {key: after.get(key) for key in patch}, {key: before.get(key) for key in patch}, actor
        )
        item = await self._collection.completed(read_item(self._collection.Item, after), actor)
        return await self.replace(kept, item, actor, turn)

    async def act(
        self, action: Action, kept: Kept[T], given: Mapping[str, Any], actor: Actor, turn: Turn
    ) -> Made[T]:
        """Carry out an action of the collection's own."""
        options = read_item(action.Given, given)
        item = await self._collection.act(action.name, kept, options, actor)
        return await self.replace(kept, item, actor, turn, action.name)

    async def delete(self, kept: Kept[T], actor: Actor, turn: Turn) -> Made[T]:
        """Delete an item."""
        self._check_declared(kept, actor)
        await self._guard.check_place(kept.id, kept.item, actor)
        change: Change[T] = Change("delete", kept.id, kept.item, None, differing(kept.item, None))
        return await self._make(change, kept, actor, turn)

    async def replace(
        self, kept: Kept[T], item: T, actor: Actor, turn: Turn, action: str = "update"
    ) -> Made[T]:
        """Replace an item, as an action or a declaration requires."""
        for one in (kept.item, item):
            await self._guard.check_place(kept.id, one, actor)
        fields = differing(kept.item, item)
        change = Change(action, kept.id, kept.item, item, fields)
        if not fields and action == "update" and kept.declared_in == actor.declaring:
            return Made(kept, await self._collection.reveal(change, actor))
        return await self._make(change, kept, actor, turn)

    async def _make(self, change: Change[T], before: Kept[T], actor: Actor, turn: Turn) -> Made[T]:
        """Check a change, have it audited, and make it; a rehearsal is not audited."""
        collection = self._collection
        item = await collection.check(change, actor)
        if item is not None:
            change = evolve(change, after=item, fields=differing(change.before, item))
        if REHEARSED.get() is not None:
            return Made(await self._apply(change, before, actor), {})
        told = self._told(change, actor)
        await report(collection.setup.auditors, told)
        try:
            await turn.keep()
            kept = await self._apply(change, before, actor)
        except BaseException:
            with suppress(AuditUnavailable):  # which is logged; the change's own error goes on
                await report(collection.setup.auditors, replace(told, outcome="failed"))
            raise
        return Made(kept, await collection.reveal(change, actor))

    async def _apply(self, change: Change[T], before: Kept[T], actor: Actor) -> Kept[T] | None:
        shelf, what = self._collection.shelf, self._collection.singular
        try:
            if change.after is None:
                await shelf.delete(before)
                return None
            declared_in = actor.declaring or before.declared_in
            return await shelf.put(before, change.after, declared_in)
        except Conflict:
            raise Stale(f"The {what} has just been changed; read it again.") from None

    async def reveal(self, action: str, kept: Kept[T] | None, actor: Actor) -> Mapping[str, Any]:
        """What an earlier change revealed, if the item still exists."""
        if kept is None:
            return {}
        before = None if action == "create" else kept.item
        return await self._collection.reveal(Change(action, kept.id, before, kept.item, ()), actor)

    def _told(self, change: Change[T], actor: Actor) -> AdminChange:
        return AdminChange(
            time=time.time(),
            request_id=actor.request_id,
            actor=actor.name,
            role=actor.role,
            tenant=actor.principal.tenant,
            client=actor.client,
            action=change.action,
            collection=self._collection.name,
            id=change.id,
            before=digest(change.before),
            after=digest(change.after),
            fields=change.fields,
        )

    def _check_declared(self, kept: Kept[T], actor: Actor) -> None:
        if kept.declared_in and not actor.declaring:
            raise Declared(
                f"The {self._collection.singular} {kept.id!r} is declared in {kept.declared_in};"
                " change it there."
            )
