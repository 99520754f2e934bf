"""The connections to one origin: the idle ones, their limit, and who waits for one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import define, field

from .connection import Connection


@define(eq=False)
class Pool:
    """Hands out the most recently used connection; those who wait are served in order."""

    _open: Callable[[], Awaitable[Connection]]
    _limit: int
    _idle: list[Connection] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)
    _waiters: deque[asyncio.Future[Connection | None]] = field(factory=deque, init=False)

    def reuse(self) -> Connection | None:
        """An idle connection, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def fresh(self) -> Connection:
        """A new connection or, at the limit, the next that becomes free. Raises ProviderError."""
        if self._size < self._limit:
            self._size += 1
        else:
            connection = await self._queue()
            if connection is not None:
                return connection
        try:
            return await self._open()
        except BaseException:
            self._free_slot()
            raise

    def give_back(self, connection: Connection) -> None:
        """Make `connection` idle, or hand it to the next who waits."""
        waiter = self._next_waiter() if self._waiters else None
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    def lost(self, connection: Connection) -> None:
        """Forget `connection`, whose socket is closed."""
        if connection in self._idle:
            self._idle.remove(connection)
        self._free_slot()

    def _free_slot(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._size -= 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _queue(self) -> Connection | None:
        if self._idle:
            # A fresh one is wanted although some are idle: the oldest makes room.
            self._idle.pop(0).drop()
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._return_unused(waiter.result())
            raise
        if connection is not None and not connection.usable:
            return await self._queue()
        return connection

    def _return_unused(self, connection: Connection | None) -> None:
        if connection is None:
            self._free_slot()
        elif connection.usable:
            self.give_back(connection)
