"""How the things of one collection lie in the store."""

import asyncio
import logging
import secrets as randomness
import time
from collections.abc import AsyncIterator
from contextlib import suppress
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
_TELL_AGAIN: Final = 0.1
"""Seconds between two tries to tell those who listen of a change."""
_TELL_MOST: Final = 600
_logger = logging.getLogger("jackfield.admin")


class Shelf(Generic[T]):
    """Reads and writes the things of a collection; knows no rights and no rules."""

    def __init__(self, setup: "Setup", name: str, cls: type[T]) -> None:
        self._setup = setup
        self._keeping = Keeping(cls)
        self._prefix = f"admin/{name}/"
        self._telling: set[asyncio.Task[None]] = set()

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
        data = self._keeping.write(after)
        try:
            version = await self._setup.store.put(GATEWAY, key, data, expect=before.version)
        except StoreUnavailable:
            self._tell_later(before.id)  # It may have been kept.
            raise
        await self._tell(before.id)
        return evolve(after, version=version)

    async def delete(self, kept: Kept[T]) -> None:
        """Forget a thing. Raises Conflict if it has changed."""
        key = self._prefix + kept.id
        try:
            await self._setup.store.delete(GATEWAY, key, expect=kept.version)
        except StoreUnavailable:
            self._tell_later(kept.id)
            raise
        await self._tell(kept.id)

    async def changes(self) -> AsyncIterator[str | None]:
        """The ids of what changes; None when some may have been missed."""
        async for message in self._setup.store.listen(self._prefix):
            yield None if message is None else message.decode()

    async def _tell(self, id: str) -> None:
        try:
            await self._publish(id)
        except StoreUnavailable:
            _logger.warning("those who listen are told later that %s%s changed", self._prefix, id)
            self._tell_later(id)

    def _tell_later(self, id: str) -> None:
        task = asyncio.create_task(self._tell_again(id))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_again(self, id: str) -> None:
        """Try until it works. A store that is back need not have been away for who listens."""
        for _ in range(_TELL_MOST):
            await asyncio.sleep(_TELL_AGAIN)
            with suppress(StoreUnavailable):
                await self._publish(id)
                return
        _logger.error("nobody could be told that %s%s has changed", self._prefix, id)

    async def _publish(self, id: str) -> None:
        await self._setup.store.publish(self._prefix, id.encode())

    def _kept(self, value: Value) -> Kept[T]:
        item, told = self._keeping.read(value.data)
        besides = (told.created, told.updated, told.declared_in, told.mark, told.done)
        return Kept(value.key.removeprefix(self._prefix), item, value.version, *besides)
