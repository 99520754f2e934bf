"""How the items of one collection are stored."""

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
from jackfield.admin.rehearsal import GATEWAY, PREFIX, REHEARSED, Rehearsal
from jackfield.store import StoreUnavailable, Value

if TYPE_CHECKING:
    from jackfield.setup import Setup

T = TypeVar("T")

_TELL_AGAIN: Final = 0.1
"""Seconds between two tries to tell those who listen of a change."""
_TELL_MOST: Final = 600
_logger = logging.getLogger("jackfield.admin")


class Shelf(Generic[T]):
    """Reads and writes the items of a collection; it knows no rights and no rules."""

    def __init__(self, setup: "Setup", name: str, cls: type[T]) -> None:
        self._setup = setup
        self._keeping = Keeping(cls)
        self._prefix = f"{PREFIX}{name}/"
        self._telling: set[asyncio.Task[None]] = set()

    async def get(self, id: str) -> Kept[T] | None:
        """The item with an id, if there is one."""
        value = await self.value(id)
        return self._kept(value) if value else None

    async def value(self, id: str) -> Value | None:
        """The stored value of an id, not decoded."""
        key, rehearsed = self._prefix + id, REHEARSED.get()
        if rehearsed is not None and (rehearsed.whole or key in rehearsed):
            return rehearsed.get(key)
        return await self._setup.store.get(GATEWAY, key)

    async def all(self, after: str = "") -> AsyncIterator[Kept[T]]:
        """All things whose ids come after one, ordered by id; rehearsed changes come last."""
        first, rehearsed = self._prefix + after, REHEARSED.get() or Rehearsal()
        place, store = first, self._setup.store
        while not rehearsed.whole and (
            values := await store.scan(GATEWAY, self._prefix, after=place)
        ):
            for value in values:
                if value.key not in rehearsed:
                    yield self._kept(value)
            place = values[-1].key
        for key, changed in list(rehearsed.items()):
            if changed is not None and key.startswith(self._prefix) and key > first:
                yield self._kept(changed)

    def draft(self, id: str, item: T) -> Kept[T]:
        """An item that is not stored yet: version 0."""
        now = time.time()
        return Kept(id, item, 0, now, now, mark=randomness.token_hex(4))

    async def put(self, before: Kept[T], item: T, declared_in: str) -> Kept[T]:
        """Store an item in place of its previous state. Raises Conflict if that has changed."""
        after = evolve(before, item=item, updated=time.time(), declared_in=declared_in)
        return evolve(after, version=await self._change(before, self._keeping.write(after)))

    async def delete(self, kept: Kept[T]) -> None:
        """Delete an item. Raises Conflict if it has changed."""
        await self._change(kept, None)

    async def changes(self) -> AsyncIterator[str | None]:
        """The ids of items that change; None if some may have been missed."""
        async for message in self._setup.store.listen(self._prefix):
            yield None if message is None else message.decode()

    async def _change(self, before: Kept[T], data: bytes | None) -> int:
        """Store the bytes, or delete the item for None, and notify listeners; its new version."""
        key, version, rehearsed = self._prefix + before.id, before.version + 1, REHEARSED.get()
        if rehearsed is not None:
            rehearsed[key] = Value(key, data, version) if data is not None else None
            return version
        try:
            if data is None:
                await self._setup.store.delete(GATEWAY, key, expect=before.version)
            else:
                await self._setup.store.put(GATEWAY, key, data, expect=before.version)
        except StoreUnavailable:
            self._tell_later(before.id)  # It may have been changed.
            raise
        await self._tell(before.id)
        return version

    async def _tell(self, id: str) -> None:
        try:
            await self._setup.store.publish(self._prefix, id.encode())
        except StoreUnavailable:
            _logger.warning("those who listen are told later that %s%s changed", self._prefix, id)
            self._tell_later(id)

    def _tell_later(self, id: str) -> None:
        task = asyncio.create_task(self._tell_again(id))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_again(self, id: str) -> None:
        """Repeat until it works. The store may be back for some listeners before others."""
        for _ in range(_TELL_MOST):
            await asyncio.sleep(_TELL_AGAIN)
            with suppress(StoreUnavailable):
                await self._setup.store.publish(self._prefix, id.encode())
                return
        _logger.error("nobody could be told that %s%s has changed", self._prefix, id)

    def _kept(self, value: Value) -> Kept[T]:
        item, told = self._keeping.read(value.data)
        besides = (told.created, told.updated, told.declared_in, told.mark, told.done)
        return Kept(value.key.removeprefix(self._prefix), item, value.version, *besides)
