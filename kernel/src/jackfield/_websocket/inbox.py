"""The messages that one peer has sent and that have not been read yet."""

import asyncio
from collections.abc import Callable
from typing import Final

from attrs import define, field

from jackfield._websocket.frames import Message

_HIGH_WATER: Final = 64 * 1024
_OVERHEAD: Final = 128


@define(eq=False)
class Inbox:
    """Keeps messages in order for one reader.

    While more than 64 KiB wait, the peer's connection is not read: `hold` pauses it and `go_on`
    resumes it.
    """

    _hold: Callable[[], None]
    _go_on: Callable[[], None]
    held: bool = field(default=False, init=False)
    _messages: list[Message] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)
    _error: Exception | None = field(default=None, init=False)
    _waiter: asyncio.Future[None] | None = field(default=None, init=False)

    def put(self, message: Message) -> None:
        """Add a message; a close frame is the last that is read."""
        if self._error is not None:
            return
        self._messages.append(message)
        self._size += len(message.data) + _OVERHEAD
        if self._size > _HIGH_WATER and not self.held:
            self.held = True
            self._hold()
        self._wake()

    def fail(self, error: Exception) -> None:
        """Raise `error` to the reader once it has read what came before."""
        if self._error is None:
            self._error = error
            self._wake()

    async def batch(self) -> list[Message]:
        """All messages since the last call, at least one."""
        while not self._messages:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        messages, self._messages, self._size = self._messages, [], 0
        if self.held:
            self.held = False
            self._go_on()
        return messages

    async def first(self) -> Message:
        """The next message alone."""
        first, *rest = await self.batch()
        self._messages[:0] = rest
        self._size += sum(len(message.data) + _OVERHEAD for message in rest)
        return first

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
