"""Joins two WebSockets: the client's messages go to the provider, the provider's are a stream."""

import asyncio
from collections.abc import Awaitable, Callable

from attrs import define, field

from jackfield._websocket import BrokenProtocol, Inbox, Message
from jackfield._websocket.frames import CLOSE, frame
from jackfield.errors import GatewayError, InvalidRequest, ProviderError, ProviderUnavailable

from .websocket import WebSocketConnection


@define(eq=False)
class Relay:
    """Iterates over batches of the provider's messages in wire form; the last is a close frame.

    From the first step on it also forwards the client's messages, no faster than the provider reads
    them, each as `check` returns it. `watch` sees every batch. Raises ProviderError if the provider
    breaks off, InvalidRequest, caused by BrokenProtocol, if the client sends an invalid message,
    and what `check` raises.
    """

    _socket: WebSocketConnection
    _client: Inbox
    _watch: Callable[[bytes], None]
    _check: Callable[[Message], Awaitable[Message]]
    _carrying: asyncio.Task[None] | None = field(default=None, init=False)
    _goodbye: Message | None = field(default=None, init=False)
    _over: bool = field(default=False, init=False)

    def __aiter__(self) -> "Relay":
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        if self._carrying is None:
            self._carrying = asyncio.create_task(self._carry())
        messages = await self._batch()
        data = b"".join([frame(*message) for message in messages])
        self._watch(data)
        if messages[-1].opcode == CLOSE:
            await self.aclose()
        return data

    async def aclose(self) -> None:
        """Disconnect from the provider."""
        self._over = True
        if self._carrying is not None:
            self._carrying.cancel()
        self._socket.leave()

    async def _batch(self) -> list[Message]:
        try:
            return await self._socket.inbox.batch()
        except ProviderError:
            # A client that was told the session is over may hang up without a close frame.
            if self._goodbye is None:
                raise
            return [self._goodbye]

    async def _carry(self) -> None:
        try:
            while self._goodbye is None:
                for message in await self._client.batch():
                    if message.opcode == CLOSE:
                        self._goodbye = message
                    self._socket.send(await self._check(message))
                await self._socket.drained()
        except BrokenProtocol as error:
            refusal = InvalidRequest(error.why)
            refusal.__cause__ = error
            self._socket.inbox.fail(refusal)
        except GatewayError as error:
            self._socket.inbox.fail(error)
        except Exception as error:  # noqa: BLE001 - a session must not go on in one direction only
            failure = ProviderUnavailable("The session broke off in the gateway.")
            failure.__cause__ = error
            self._socket.inbox.fail(failure)
