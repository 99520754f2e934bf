"""Creates an item, once for each idempotency key."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from attrs import evolve
from msgspec.structs import replace

from jackfield.admin.change import Actor, Stored
from jackfield.admin.change_lock import Lock
from jackfield.admin.collection import Collection
from jackfield.admin.guard import Guard
from jackfield.admin.idempotency import Answered, Attempt, Attempts, request_digest
from jackfield.admin.writer import Writer

T = TypeVar("T")


class Creation(Generic[T]):
    """Creates the items of one collection."""

    def __init__(self, collection: Collection[T]) -> None:
        self._collection = collection
        self._guard = Guard(collection)
        self._writer = Writer(collection)
        self._attempts = Attempts(collection.setup)

    async def create(self, given: Mapping[str, Any], actor: Actor, lock: Lock) -> Answered:
        """Create an item, or return the answer from when it was created."""
        if not actor.idempotency_key:
            result = await self._writer.create(await self._writer.draft(given, actor), actor, lock)
            answer = self._guard.shown(result.stored, actor)
            return Answered({**answer, **result.revealed}, repeated=False)
        request = request_digest(self._collection.name, "create", given)
        attempt = await self._attempts.recall(actor, request)
        if attempt is not None and attempt.answer is not None:
            return await self._repeated(attempt, attempt.answer, actor)
        draft = await self._writer.draft(given, actor)
        if attempt is not None:
            return await self._create_as(attempt, draft, actor, lock)
        attempt = Attempt(request, draft.id, draft.mark)
        async with self._attempts.first(actor, attempt):
            return await self._create_as(attempt, draft, actor, lock)

    async def _create_as(
        self, attempt: Attempt, draft: Stored[T], actor: Actor, lock: Lock
    ) -> Answered:
        """Create an attempted item, unless an attempt without an answer already has."""
        stored = await self._collection.get(attempt.id)
        if stored is not None and stored.mark == attempt.mark:
            answer = self._guard.shown(stored, actor)
            revealed = await self._writer.reveal("create", stored, actor)
        else:
            draft = evolve(draft, id=attempt.id, mark=attempt.mark)
            result = await self._writer.create(draft, actor, lock)
            answer, revealed = self._guard.shown(result.stored, actor), result.revealed
        await self._attempts.remember(actor, replace(attempt, answer=answer))
        return Answered({**answer, **revealed}, repeated=False)

    async def _repeated(
        self, attempt: Attempt, answer: Mapping[str, Any], actor: Actor
    ) -> Answered:
        stored = await self._collection.get(attempt.id)
        same = stored if stored is not None and stored.mark == attempt.mark else None
        revealed = await self._writer.reveal("create", same, actor)
        return Answered({**answer, **revealed}, repeated=True)
