"""How the items of one collection are stored."""

import asyncio
import logging
import secrets as randomness
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from attrs import evolve

from jackfield.admin.change import Stored
from jackfield.admin.dry_run import DRY_RUN, GATEWAY, PREFIX, DryRun
from jackfield.admin.item_codec import ItemCodec
from jackfield.store import StoreUnavailable, Value

if TYPE_CHECKING:
    from jackfield.setup import Setup

T = TypeVar("T")

_NOTIFY_AGAIN: Final = 0.1
"""Seconds between two attempts to notify other processes of a change."""
_MOST_NOTICES: Final = 600
_logger = logging.getLogger("jackfield.admin")


class ItemStore(Generic[T]):
    """Reads and writes the items of a collection; it knows no rights and no rules."""

    def __init__(self, setup: "Setup", name: str, cls: type[T]) -> None:
        self._setup = setup
        self._codec = ItemCodec(cls)
        self._prefix = f"{PREFIX}{name}/"
        self._notifying: set[asyncio.Task[None]] = set()

    async def get(self, id: str) -> Stored[T] | None:
        """The item with an id, if there is one."""
        value = await self.value(id)
        return self._stored(value) if value else None

    async def value(self, id: str) -> Value | None:
        """The stored value of an id, not decoded."""
        key, dry_run = self._prefix + id, DRY_RUN.get()
        if dry_run is not None and (dry_run.whole or key in dry_run):
            return dry_run.get(key)
        return await self._setup.store.get(GATEWAY, key)

    async def all(self, after: str = "") -> AsyncIterator[Stored[T]]:
        """All items whose ids come after one, ordered by id; changes of a dry run come last."""
        first, dry_run = self._prefix + after, DRY_RUN.get() or DryRun()
        place, store = first, self._setup.store
        while not dry_run.whole and (
            values := await store.scan(GATEWAY, self._prefix, after=place)
        ):
            for value in values:
                if value.key not in dry_run:
                    yield self._stored(value)
            place = values[-1].key
        for key, changed in list(dry_run.items()):
            if changed is not None and key.startswith(self._prefix) and key > first:
                yield self._stored(changed)

    def draft(self, id: str, item: T) -> Stored[T]:
        """An item that is not stored yet: version 0."""
        now = time.time()
        return Stored(id, item, 0, now, now, mark=randomness.token_hex(4))

    async def put(self, before: Stored[T], item: T, declared_in: str) -> Stored[T]:
        """Store an item in place of its previous state. Raises Conflict if that has changed."""
        after = evolve(before, item=item, updated=time.time(), declared_in=declared_in)
        return evolve(after, version=await self._change(before, self._codec.encode(after)))

    async def delete(self, stored: Stored[T]) -> None:
        """Delete an item. Raises Conflict if it has changed."""
        await self._change(stored, None)

    async def changes(self) -> AsyncIterator[str | None]:
        """The ids of items that change; None if some may have been missed."""
        async for message in self._setup.store.listen(self._prefix):
            yield None if message is None else message.decode()

    async def _change(self, before: Stored[T], data: bytes | None) -> int:
        """Store the bytes, or delete the item for None, and notify listeners; its new version."""
        key, version, dry_run = self._prefix + before.id, before.version + 1, DRY_RUN.get()
        if dry_run is not None:
            dry_run[key] = Value(key, data, version) if data is not None else None
            return version
        try:
            if data is None:
                await self._setup.store.delete(GATEWAY, key, expect=before.version)
            else:
                await self._setup.store.put(GATEWAY, key, data, expect=before.version)
        except StoreUnavailable:
            self._notify_later(before.id)  # It may have been changed.
            raise
        await self._notify(before.id)
        return version

    async def _notify(self, id: str) -> None:
        try:
            await self._setup.store.publish(self._prefix, id.encode())
        except StoreUnavailable:
            _logger.warning("others are notified later that %s%s changed", self._prefix, id)
            self._notify_later(id)

    def _notify_later(self, id: str) -> None:
        task = asyncio.create_task(self._notify_again(id))
        self._notifying.add(task)
        task.add_done_callback(self._notifying.discard)

    async def _notify_again(self, id: str) -> None:
        """Repeat until it works. The store may be back for some listeners before others."""
        for _ in range(_MOST_NOTICES):
            await asyncio.sleep(_NOTIFY_AGAIN)
            with suppress(StoreUnavailable):
                await self._setup.store.publish(self._prefix, id.encode())
                return
        _logger.error("others could not be notified that %s%s changed", self._prefix, id)

    def _stored(self, value: Value) -> Stored[T]:
        item, found = self._codec.decode(value.data)
        metadata = (found.created, found.updated, found.declared_in, found.mark, found.done)
        return Stored(value.key.removeprefix(self._prefix), item, value.version, *metadata)
