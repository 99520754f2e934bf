"""Makes changes: rights, rules, audit, and then one write that no other change can precede."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.admin.auditing import audit
from jackfield.admin.change import Actor, AdminChange, Change, Stored
from jackfield.admin.change_lock import Lock
from jackfield.admin.collection import Action, Collection
from jackfield.admin.dry_run import DRY_RUN
from jackfield.admin.errors import AlreadyExists, AuditUnavailable, Declared, Stale
from jackfield.admin.guard import Guard
from jackfield.admin.items import differing, digest, merged, plain, read_item
from jackfield.store import Conflict

T = TypeVar("T")


@frozen
class Result(Generic[T]):
    """A change that was made: the stored item, None after a deletion, and what to add."""

    stored: Stored[T] | None
    revealed: Mapping[str, Any]


class Writer(Generic[T]):
    """Changes the items of one collection. Every method requires the lock."""

    def __init__(self, collection: Collection[T]) -> None:
        self._collection = collection
        self._guard = Guard(collection)

    async def draft(self, given: Mapping[str, Any], actor: Actor) -> Stored[T]:
        """A new item as it would be stored. Raises GatewayError if it is not allowed."""
        collection = self._collection
        given = self._guard.completed(given, actor)
        self._guard.check_given(given, {}, actor)
        item = await collection.completed(read_item(collection.Item, given), actor)
        draft = collection.item_store.draft(await collection.new_id(item, actor), item)
        await self._guard.check_place(draft.id, item, actor)
        return draft

    async def create(self, draft: Stored[T], actor: Actor, lock: Lock) -> Result[T]:
        """Store a new item."""
        if await self._collection.get(draft.id) is not None:
            raise AlreadyExists(f"The {self._collection.singular} {draft.id!r} exists already.")
        change = Change("create", draft.id, None, draft.item, differing(None, draft.item))
        return await self._make(change, draft, actor, lock)

    async def update(
        self, stored: Stored[T], patch: Mapping[str, Any], actor: Actor, lock: Lock
    ) -> Result[T]:
        """Change some fields of an item."""
        self._check_declared(stored, actor)
        before = plain(stored.item)
        unknown = {key: value for key, value in patch.items() if key not in before}
        after = {**unknown, **merged(before, patch)}
        self._guard.check_given(
            {key: after.get(key) for key in patch}, {key: before.get(key) for key in patch}, actor
        )
        item = await self._collection.completed(read_item(self._collection.Item, after), actor)
        return await self.replace(stored, item, actor, lock)

    async def act(
        self, action: Action, stored: Stored[T], given: Mapping[str, Any], actor: Actor, lock: Lock
    ) -> Result[T]:
        """Carry out an action of the collection's own."""
        options = read_item(action.Given, given)
        item = await self._collection.act(action.name, stored, options, actor)
        return await self.replace(stored, item, actor, lock, action.name)

    async def delete(self, stored: Stored[T], actor: Actor, lock: Lock) -> Result[T]:
        """Delete an item."""
        self._check_declared(stored, actor)
        item = stored.item
        await self._guard.check_place(stored.id, item, actor)
        change: Change[T] = Change("delete", stored.id, item, None, differing(item, None))
        return await self._make(change, stored, actor, lock)

    async def replace(
        self, stored: Stored[T], item: T, actor: Actor, lock: Lock, action: str = "update"
    ) -> Result[T]:
        """Replace an item, as an action or a declaration requires."""
        for one in (stored.item, item):
            await self._guard.check_place(stored.id, one, actor)
        fields = differing(stored.item, item)
        change = Change(action, stored.id, stored.item, item, fields)
        if not fields and action == "update" and stored.declared_in == actor.declaring:
            return Result(stored, await self._collection.reveal(change, actor))
        return await self._make(change, stored, actor, lock)

    async def _make(
        self, change: Change[T], before: Stored[T], actor: Actor, lock: Lock
    ) -> Result[T]:
        """Check a change, have it audited, and make it; a dry run is not audited."""
        collection = self._collection
        item = await collection.check(change, actor)
        if item is not None:
            change = evolve(change, after=item, fields=differing(change.before, item))
        if DRY_RUN.get() is not None:
            return Result(await self._apply(change, before, actor), {})
        audited = self._audited(change, actor)
        await audit(collection.setup.auditors, audited)
        try:
            await lock.renew()
            stored = await self._apply(change, before, actor)
        except BaseException:
            with suppress(AuditUnavailable):  # which is logged; the change's own error goes on
                await audit(collection.setup.auditors, replace(audited, outcome="failed"))
            raise
        return Result(stored, await collection.reveal(change, actor))

    async def _apply(self, change: Change[T], before: Stored[T], actor: Actor) -> Stored[T] | None:
        items, what = self._collection.item_store, self._collection.singular
        try:
            if change.after is None:
                await items.delete(before)
                return None
            declared_in = actor.declaring or before.declared_in
            return await items.put(before, change.after, declared_in)
        except Conflict:
            raise Stale(f"The {what} has just been changed; read it again.") from None

    async def reveal(
        self, action: str, stored: Stored[T] | None, actor: Actor
    ) -> Mapping[str, Any]:
        """What an earlier change revealed, if the item still exists."""
        if stored is None:
            return {}
        before = None if action == "create" else stored.item
        change = Change(action, stored.id, before, stored.item, ())
        return await self._collection.reveal(change, actor)

    def _audited(self, change: Change[T], actor: Actor) -> AdminChange:
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

    def _check_declared(self, stored: Stored[T], actor: Actor) -> None:
        if stored.declared_in and not actor.declaring:
            raise Declared(
                f"The {self._collection.singular} {stored.id!r} is declared in"
                f" {stored.declared_in}; change it there."
            )
