"""Posts warnings to a URL, with retries, without delaying requests."""

import asyncio
import logging
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from attrs import define, field

from jackfield.errors import GatewayError
from jackfield.secrets import Secret
from jackfield.setup import Setup

_PAUSES: Final = (0.0, 1.0, 5.0, 25.0)
"""Seconds before each attempt."""

_MOST_WAITING: Final = 1000

_FAREWELL: Final = 2.0
"""Seconds for sending queued messages when the gateway stops."""

logger = logging.getLogger("jackfield.budgets")


class Answer(Protocol):
    """The response of an origin."""

    status: int

    async def read(self) -> bytes:
        """The body."""

    async def close(self) -> None:
        """Release the connection."""


class Origin(Protocol):
    """The type of `setup.origin`."""

    async def send(self, method: str, path: str, head: bytes = b"", body: bytes = b"") -> Answer:
        """Send a request."""


@define(eq=False)
class Webhook:
    """Posts JSON to one URL, each message until it is answered with a status below 300.

    `sent` is set once a message has arrived.
    """

    _origin: Origin
    _path: str
    _head: bytes
    _waiting: asyncio.Queue[Any] = field(factory=lambda: asyncio.Queue(_MOST_WAITING), init=False)
    sent: asyncio.Event = field(factory=asyncio.Event, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    @classmethod
    def to(
        cls, setup: Setup, name: str, url: str, key: Secret | None, allow_http: bool
    ) -> "Webhook":
        """Create a webhook for a URL; `key` is sent as a bearer token."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        base = f"{parts.scheme}://{parts.netloc}"
        head = b"Content-Type: application/json\r\n"
        if key is not None:
            head += f"Authorization: Bearer {key.reveal()}\r\n".encode()
        return cls(setup.origin(name, base, allow_http=allow_http), path, head)

    def start(self) -> None:
        """Start sending."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send what is queued, for a limited time, then stop."""
        if self._task is not None:
            try:
                async with asyncio.timeout(_FAREWELL):
                    await self._waiting.join()
            except TimeoutError:
                logger.error("the webhook is too slow: warnings were lost when the gateway stopped")
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, message: Any) -> None:
        """Queue a message; if the queue is full, it is logged and dropped."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            logger.error("the webhook is too slow: a warning was dropped")

    async def _run(self) -> None:
        while True:
            body = msgspec.json.encode(await self._waiting.get())
            problem: str | None = None
            for pause in _PAUSES:
                await asyncio.sleep(pause)
                problem = await self._problem_with(body)
                if problem is None:
                    self.sent.set()
                    break
            else:
                logger.error("the webhook did not accept a warning, now dropped: %s", problem)
            self._waiting.task_done()

    async def _problem_with(self, body: bytes) -> str | None:
        """Post a message; why it did not arrive, if it did not."""
        try:
            answer = await self._origin.send("POST", self._path, self._head, body)
            try:
                await answer.read()
            finally:
                await answer.close()
        except GatewayError as error:
            return error.message
        return None if answer.status < 300 else f"it answered with status {answer.status}"
