"""Carries out an action, once for each idempotency key."""

import secrets as randomness
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.admin.change import Actor, Kept
from jackfield.admin.collection import Action, Collection
from jackfield.admin.guard import Guard
from jackfield.admin.idempotency import Answered, Attempt, Attempts, request_digest
from jackfield.admin.lock import Turn
from jackfield.admin.writer import Writer

T = TypeVar("T")

_MOST_MARKS: Final = 8


@frozen
class Asked:
    """An action on the item with an id; `if_match` is the etag that the item should have."""

    action: Action
    id: str
    given: Mapping[str, Any]
    if_match: str

    def digest(self) -> str:
        """What distinguishes it from other requests, apart from `if_match`."""
        return request_digest(self.action.name, self.id, self.given)


class Acting(Generic[T]):
    """Carries out the actions of one collection."""

    def __init__(self, collection: Collection[T]) -> None:
        self._collection = collection
        self._guard = Guard(collection)
        self._writer = Writer(collection)
        self._attempts = Attempts(collection.setup, collection.name)

    async def act(self, asked: Asked, actor: Actor, turn: Turn) -> Answered:
        """Carry out an action, or return the answer from when it was carried out."""
        kept = await self._collection.find(asked.id, actor)
        if not actor.idempotency_key:
            kept = await self._expected(kept, asked, actor)
            answer, told = await self._carry_out(kept, asked, actor, turn)
            return Answered({**answer, **told}, repeated=False)
        attempt = await self._attempts.recall(actor, asked.digest())
        if attempt is not None and attempt.answer is not None:
            told = await self._writer.reveal(asked.action.name, kept, actor)
            return Answered({**attempt.answer, **told}, repeated=True)
        if attempt is not None:
            return await self._act_as(attempt, kept, asked, actor, turn)
        attempt = Attempt(asked.digest(), asked.id, randomness.token_hex(4))
        async with self._attempts.first(actor, attempt):
            return await self._act_as(attempt, kept, asked, actor, turn)

    async def _act_as(
        self, attempt: Attempt, kept: Kept[T] | None, asked: Asked, actor: Actor, turn: Turn
    ) -> Answered:
        """Carry out an attempted action, unless an attempt without an answer already has."""
        kept = await self._guard.seen(kept, asked.id, actor)
        if attempt.mark in kept.done:
            answer: dict[str, Any] = self._guard.shown(kept, actor)
            told = await self._writer.reveal(asked.action.name, kept, actor)
        else:
            kept = evolve(kept, done=(*kept.done, attempt.mark)[-_MOST_MARKS:])
            kept = await self._expected(kept, asked, actor)
            answer, told = await self._carry_out(kept, asked, actor, turn)
        await self._attempts.remember(actor, replace(attempt, answer=answer))
        return Answered({**answer, **told}, repeated=False)

    async def _expected(self, kept: Kept[T] | None, asked: Asked, actor: Actor) -> Kept[T]:
        """The item, if it is as expected. Raises NotFound, Stale."""
        return self._guard.matched(await self._guard.seen(kept, asked.id, actor), asked.if_match)

    async def _carry_out(
        self, kept: Kept[T], asked: Asked, actor: Actor, turn: Turn
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """The item after the action, and what is revealed in addition."""
        made = await self._writer.act(asked.action, kept, asked.given, actor, turn)
        return self._guard.shown(made.kept, actor), made.revealed
