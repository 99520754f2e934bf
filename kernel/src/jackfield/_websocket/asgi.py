"""Receives a client's messages from an ASGI server, which reads the wire itself."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from attrs import define, field

from jackfield.http import HttpRequest

from .frames import BINARY, CLOSE, TEXT, TOO_BIG, Message, close_payload
from .inbox import Inbox
from .reader import BrokenProtocol

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]

_ABNORMAL = 1006
_NO_CODE = 1005


@define(eq=False)
class Listener:
    """Fills the inbox of a request; while that is full, nothing is received.

    `disconnected` is true once the client has left.
    """

    _request: HttpRequest
    _receive: Receive
    _max_message: int
    disconnected: bool = field(default=False, init=False)
    _readable: asyncio.Event = field(factory=asyncio.Event, init=False)
    _inbox: Inbox = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._readable.set()
        self._inbox = Inbox(self._readable.clear, self._readable.set)
        self._request.websocket = self._inbox

    async def listen(self) -> None:
        """Put what the client sends into the inbox until it leaves."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._leave(event.get("code", _NO_CODE), event.get("reason") or "")
                return
            text = event.get("text")
            message = (
                Message(BINARY, event["bytes"]) if text is None else Message(TEXT, text.encode())
            )
            if len(message.data) > self._max_message:
                why = f"A message has more than {self._max_message} bytes."
                self._inbox.fail(BrokenProtocol(TOO_BIG, why))
                return
            self._inbox.put(message)
            await self._readable.wait()

    def _leave(self, code: int, reason: str) -> None:
        self.disconnected = True
        if code == _ABNORMAL:
            self._request.abort()
        else:
            payload = b"" if code == _NO_CODE else close_payload(code, reason)
            self._inbox.put(Message(CLOSE, payload))
