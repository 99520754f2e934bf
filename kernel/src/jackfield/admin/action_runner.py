"""Carries out an action, once for each idempotency key."""

import secrets as randomness
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.admin.change import Actor, Stored
from jackfield.admin.change_lock import Lock
from jackfield.admin.collection import Action, Collection
from jackfield.admin.guard import Guard
from jackfield.admin.idempotency import Answered, Attempt, Attempts, request_digest
from jackfield.admin.writer import Writer

T = TypeVar("T")

_MOST_MARKS: Final = 8


@frozen
class ActionCall:
    """An action on the item with an id; `if_match` is the etag that the item should have."""

    action: Action
    id: str
    given: Mapping[str, Any]
    if_match: str


class ActionRunner(Generic[T]):
    """Carries out the actions of one collection."""

    def __init__(self, collection: Collection[T]) -> None:
        self._collection = collection
        self._guard = Guard(collection)
        self._writer = Writer(collection)
        self._attempts = Attempts(collection.setup)

    async def act(self, call: ActionCall, actor: Actor, lock: Lock) -> Answered:
        """Carry out an action, or return the answer from when it was carried out."""
        stored = await self._collection.find(call.id, actor)
        if not actor.idempotency_key:
            stored = await self._guard.seen(stored, call.id, actor)
            answer, revealed = await self._carry_out(stored, call, actor, lock)
            return Answered({**answer, **revealed}, repeated=False)
        request = request_digest(self._collection.name, call.action.name, call.id, call.given)
        attempt = await self._attempts.recall(actor, request)
        if attempt is not None and attempt.answer is not None:
            revealed = await self._writer.reveal(call.action.name, stored, actor)
            return Answered({**attempt.answer, **revealed}, repeated=True)
        if attempt is not None:
            return await self._act_as(attempt, stored, call, actor, lock)
        attempt = Attempt(request, call.id, randomness.token_hex(4))
        async with self._attempts.first(actor, attempt):
            return await self._act_as(attempt, stored, call, actor, lock)

    async def _act_as(
        self, attempt: Attempt, stored: Stored[T] | None, call: ActionCall, actor: Actor, lock: Lock
    ) -> Answered:
        """Carry out an attempted action, unless an attempt without an answer already has."""
        stored = await self._guard.seen(stored, call.id, actor)
        if attempt.mark in stored.done:
            answer: dict[str, Any] = self._guard.shown(stored, actor)
            revealed = await self._writer.reveal(call.action.name, stored, actor)
        else:
            stored = evolve(stored, done=(*stored.done, attempt.mark)[-_MOST_MARKS:])
            answer, revealed = await self._carry_out(stored, call, actor, lock)
        await self._attempts.remember(actor, replace(attempt, answer=answer))
        return Answered({**answer, **revealed}, repeated=False)

    async def _carry_out(
        self, stored: Stored[T], call: ActionCall, actor: Actor, lock: Lock
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """The item after the action, and what is revealed in addition. Raises Stale."""
        stored = self._guard.matched(stored, call.if_match)
        result = await self._writer.act(call.action, stored, call.given, actor, lock)
        return self._guard.shown(result.stored, actor), result.revealed
