"""How the things of one collection lie in the store."""

import logging
import secrets as randomness
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from attrs import evolve

from jackfield.admin.change import Kept
from jackfield.admin.keeping import Keeping
from jackfield.store import StoreUnavailable, Value

if TYPE_CHECKING:
    from jackfield.setup import Setup

T = TypeVar("T")

GATEWAY: Final = ""
"""The scope of what is no tenant's own. Ids are looked up before a tenant is known."""

_AT_ONCE = 200
_logger = logging.getLogger("jackfield.admin")


class Shelf(Generic[T]):
    """Reads and writes the things of a collection; knows no rights and no rules."""

    def __init__(self, setup: "Setup", name: str, cls: type[T]) -> None:
        self._setup = setup
        self._keeping = Keeping(cls)
        self._prefix = f"admin/{name}/"

    async def get(self, id: str) -> Kept[T] | None:
        """The thing of an id, if there is one."""
        value = await self._setup.store.get(GATEWAY, self._prefix + id)
        return self._kept(value) if value else None

    async def all(self, after: str = "") -> AsyncIterator[Kept[T]]:
        """All things whose ids come after one, in the order of the ids."""
        place = self._prefix + after if after else ""
        while values := await self._setup.store.scan(
            GATEWAY, self._prefix, after=place, limit=_AT_ONCE
        ):
            for value in values:
                yield self._kept(value)
            place = values[-1].key

    def draft(self, id: str, item: T) -> Kept[T]:
        """A thing that is not kept yet: version 0."""
        now = time.time()
        return Kept(id, item, 0, now, now, mark=randomness.token_hex(4))

    async def put(self, before: Kept[T], item: T, declared_in: str) -> Kept[T]:
        """Keep a thing in the place of what it was before. Raises Conflict if that has changed."""
        after = evolve(before, item=item, updated=time.time(), declared_in=declared_in)
        key = self._prefix + before.id
        data = self._keeping.write(item, after.created, after.updated, declared_in, after.mark)
        version = await self._setup.store.put(GATEWAY, key, data, expect=before.version)
        await self._publish(before.id)
        return evolve(after, version=version)

    async def delete(self, kept: Kept[T]) -> None:
        """Forget a thing. Raises Conflict if it has changed."""
        await self._setup.store.delete(GATEWAY, self._prefix + kept.id, expect=kept.version)
        await self._publish(kept.id)

    async def changes(self) -> AsyncIterator[str | None]:
        """The ids of what changes; None when some may have been missed."""
        async for message in self._setup.store.listen(self._prefix):
            yield None if message is None else message.decode()

    async def _publish(self, id: str) -> None:
        try:
            await self._setup.store.publish(self._prefix, id.encode())
        except StoreUnavailable:
            # The change has been made. Who listens is told that it may have missed something.
            _logger.warning("nobody could be told that %s%s has changed", self._prefix, id)

    def _kept(self, value: Value) -> Kept[T]:
        item, envelope = self._keeping.read(value.data)
        return Kept(
            value.key.removeprefix(self._prefix),
            item,
            value.version,
            envelope.created,
            envelope.updated,
            envelope.declared_in,
            envelope.mark,
        )
