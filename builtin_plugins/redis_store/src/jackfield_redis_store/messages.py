"""Publish and subscribe: one connection for all listeners, replaced when it is lost."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Final
from weakref import WeakSet

from redis.exceptions import RedisError, ResponseError

from jackfield.address import Address

from .connections import ConnectionOptions, DirectConnection
from .problems import Problem, problem_of
from .wire import packed

UNREAD: Final = 1_000
"""Maximum unread messages of a listener; beyond that they are dropped, and it gets None."""

KEEPALIVE: Final = 0.5
"""Seconds between keepalives; after three times as long without one the connection is lost."""

PAUSE: Final = 0.2

Inbox = asyncio.Queue[bytes | None]


class Listening(AsyncIterator[bytes | None]):
    """What one listener receives, for as long as it is referenced."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def __anext__(self) -> bytes | None:
        return await self._inbox.get()


class Subscriptions:
    """Delivers messages to the listeners of channels. `problem` says why it cannot."""

    def __init__(self, options: ConnectionOptions, locate: Callable[[], Address | None]) -> None:
        self.problem: Problem | None = None
        self._options = options
        self._locate = locate
        self._inboxes: defaultdict[bytes, WeakSet[Inbox]] = defaultdict(WeakSet)
        self._connection: DirectConnection | None = None
        self._subscribed: set[bytes] = set()
        self._keeper: asyncio.Task[None] | None = None

    def listen(self, channel: bytes) -> Listening:
        """Receive what is published on a channel from now on."""
        inbox: Inbox = asyncio.Queue(UNREAD)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        if channel not in self._inboxes:
            self._send(b"SUBSCRIBE", channel)
        elif channel in self._subscribed:
            inbox.put_nowait(None)
        self._inboxes[channel].add(inbox)
        return Listening(inbox)

    async def stop(self) -> None:
        """Close the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            # The other connection reports problems of the server, but not which channels this user
            # may not receive.
            try:
                if (address := self._locate()) is not None:
                    await self._receive_from(address)
            except ResponseError as refusal:
                self.problem = problem_of(refusal)
            except (RedisError, OSError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE)

    async def _receive_from(self, address: Address) -> None:
        connection = self._options.connection(address)
        try:
            async with asyncio.timeout(self._options.patience):
                await connection.open()
            self._connection = connection
            for channel in list(self._inboxes):
                self._send(b"SUBSCRIBE", channel)
            keepalives = asyncio.create_task(self._send_keepalives(address))
            try:
                await self._read_messages(connection)
            finally:
                keepalives.cancel()
        finally:
            self._connection = None
            self._subscribed.clear()
            connection.abort()
            await connection.disconnect(nowait=True)

    async def _send_keepalives(self, address: Address) -> None:
        while self._connection is not None:
            await asyncio.sleep(KEEPALIVE)
            if self._locate() in (address, None):
                self._send(b"PING")
            else:
                # There is a new primary, and this server may not receive messages any more.
                self._connection.abort()

    async def _read_messages(self, connection: DirectConnection) -> None:
        while True:
            async with asyncio.timeout(3 * KEEPALIVE):
                message = await connection.read_response()
            if not isinstance(message, list):
                continue
            kind, channel, *rest = message
            if kind == b"message":
                self._deliver(channel, rest[0])
            elif kind == b"subscribe":
                self.problem = None
                self._subscribed.add(channel)
                self._deliver(channel, None)

    def _deliver(self, channel: bytes, message: bytes | None) -> None:
        for inbox in self._inboxes.get(channel, ()):
            if inbox.full():
                while not inbox.empty():
                    inbox.get_nowait()
                inbox.put_nowait(None)
            inbox.put_nowait(message)

    def _send(self, *words: bytes) -> None:
        if self._connection is None:
            return
        try:
            self._connection.write(packed(words))
        except OSError:
            self._connection.abort()
