"""A WebSocket of an ASGI server: its messages, which the server puts on the wire itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any, cast

from jackfield._server.handler import Handler
from jackfield._server.response import require_safe
from jackfield._websocket import BrokenProtocol, Inbox, Message
from jackfield._websocket.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    TEXT,
    TOO_BIG,
    close_payload,
    opcode_of,
    payload_of,
    read_close,
    split,
)
from jackfield.errors import GatewayError
from jackfield.http import WEBSOCKET, HttpRequest, HttpResponse

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_REFUSAL = "websocket.http.response"
_OWN = frozenset({"content-type", "cache-control", "sec-websocket-protocol"})
_ABNORMAL = 1006
_NO_CODE = 1005


class AsgiWebSocket:
    """One connection scope of type `websocket`, answered as `request` would be."""

    def __init__(
        self, handler: Handler, request: HttpRequest, receive: Receive, send: Send
    ) -> None:
        self._handler = handler
        self._request = request
        self._receive = receive
        self._send = send
        self._max_message = handler.body_limit(WEBSOCKET, request.path)
        self._readable = asyncio.Event()
        self._readable.set()
        self._inbox = Inbox(self._readable.clear, self._readable.set)
        self._gone = False
        request.websocket = self._inbox

    async def serve(self, *, refusals: bool) -> None:
        """Open the session, or refuse it: with a body where the server can send `refusals`."""
        request = self._request
        await self._receive()
        listening = asyncio.create_task(self._listen())
        try:
            try:
                response = await self._handler.handle(request)
            except GatewayError as error:
                response = self._handler.refuse(error, request.path)
            if response.status == 101 and not isinstance(response.body, bytes):
                await self._converse(response)
            else:
                await self._refuse(response, refusals=refusals)
        finally:
            listening.cancel()

    async def _listen(self) -> None:
        """Put what the client sends into the inbox, until it goes."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._leave(event.get("code", _NO_CODE), event.get("reason") or "")
                return
            text = event.get("text")
            message = (
                Message(TEXT, text.encode())
                if text is not None
                else Message(BINARY, event["bytes"])
            )
            if len(message.data) > self._max_message:
                why = f"A message has more than {self._max_message} bytes."
                self._inbox.fail(BrokenProtocol(TOO_BIG, why))
                return
            self._inbox.put(message)
            await self._readable.wait()

    def _leave(self, code: int, reason: str) -> None:
        self._gone = True
        if code == _ABNORMAL:
            self._request.abort()
        else:
            payload = b"" if code == _NO_CODE else close_payload(code, reason)
            self._inbox.put(Message(CLOSE, payload))

    async def _converse(self, response: HttpResponse) -> None:
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.body)) as stream:
            require_safe(response)
            protocol = dict(response.headers).get("sec-websocket-protocol")
            headers = [
                (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
                for name, value in response.headers
                if name not in _OWN
            ]
            accept = {"type": "websocket.accept", "subprotocol": protocol, "headers": headers}
            await self._tell(accept)
            async for batch in stream:
                for message in split(batch):
                    await self._tell(_event_of(message))

    async def _tell(self, event: Event) -> None:
        """Send an event, unless the client is gone: what the stream still brings is counted."""
        if self._gone:
            return
        try:
            await self._send(event)
        except OSError:  # what servers raise for a client that has just gone
            self._gone = True

    async def _refuse(self, response: HttpResponse, *, refusals: bool) -> None:
        if not refusals or not isinstance(response.body, bytes):
            await self._tell({"type": "websocket.close", "code": 1008, "reason": "refused"})
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
        start = {"type": f"{_REFUSAL}.start", "status": response.status, "headers": headers}
        await self._tell(start)
        await self._tell({"type": f"{_REFUSAL}.body", "body": response.body})


def sends_refusals(scope: Event) -> bool:
    """Whether the server can answer with a status other than 403 and a body."""
    return _REFUSAL in (scope.get("extensions") or {})


def _event_of(message: bytes) -> Event:
    opcode, payload = opcode_of(message), payload_of(message)
    if opcode == CLOSE:
        code, reason = read_close(payload)
        return {"type": "websocket.close", "code": code or NORMAL, "reason": reason}
    if opcode == TEXT:
        return {"type": "websocket.send", "text": payload.decode()}
    return {"type": "websocket.send", "bytes": payload}
