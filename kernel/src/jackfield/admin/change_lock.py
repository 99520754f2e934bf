"""Serializes changes among all processes that share a store."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from attrs import define, field

from jackfield.admin.dry_run import GATEWAY
from jackfield.admin.errors import Busy
from jackfield.store import Conflict, Store, StoreUnavailable

if TYPE_CHECKING:
    from jackfield.setup import Setup

LEASE: Final = 10.0
"""Seconds after which a lock that was not released is taken over: its process has died."""

PATIENCE: Final = 20.0
"""Seconds for which the lock is waited for."""

KEY: Final = "admin/changing"
_USABLE: Final = 7.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
_FREE, _HELD = b"", b"taken"
_logger = logging.getLogger("jackfield.admin")


@define
class Lock:
    """The lock, held by this process for some seconds; `version` identifies this holding."""

    store: Store
    version: int
    until: float = field(factory=lambda: time.monotonic() + _USABLE)

    async def renew(self) -> None:
        """Extend the time if half of it is over.

        Raises Busy if all of it is over, so that a late change is not made; another process may be
        making changes by then.
        """
        left = self.until - time.monotonic()
        if left < 0:
            raise Busy("The change took too long and was not made; try again.")
        if left < _USABLE / 2:
            self.version = await self.store.put(GATEWAY, KEY, _HELD, expect=self.version)
            self.until = time.monotonic() + _USABLE


@asynccontextmanager
async def change_lock(setup: "Setup") -> AsyncIterator[Lock]:
    """Wait for the lock, and release it in the end.

    Without it, two changes that each keep a rule could break it together, such as that no team is
    above itself. Raises Busy, StoreUnavailable.
    """
    async with setup.admin_lock:
        lock = Lock(setup.store, await _acquire(setup.store))
        try:
            yield lock
        except Conflict as error:  # while this process stood still, as in a suspended machine
            raise Busy("Another process has made changes meanwhile; try again.") from error
        finally:
            try:
                await setup.store.put(GATEWAY, KEY, _FREE, expect=lock.version)
            except (Conflict, StoreUnavailable) as error:
                _logger.warning("the lock for changes could not be released: %s", error)


async def _acquire(store: Store) -> int:
    """Acquire the lock; the key is never deleted, so its version identifies this holding."""
    began, pause = time.monotonic(), _FIRST_PAUSE
    seen, since = -1, began
    while True:
        value = await store.get(GATEWAY, KEY)
        version, now = (value.version if value else 0), time.monotonic()
        if version != seen:
            seen, since = version, now
        if value is None or value.data == _FREE or now - since >= LEASE:
            try:
                return await store.put(GATEWAY, KEY, _HELD, expect=version)
            except Conflict:
                continue
        if now - began >= PATIENCE:
            raise Busy("Other changes are being made; try again.", retry_after=LEASE)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
