"""One connection, shared by many concurrent calls; answers arrive in order."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Self

from redis.exceptions import RedisError, ResponseError

from jackfield.address import Address

from .connections import ConnectionOptions, DirectConnection
from .problems import GONE, LATE, NOT_REDIS, Problem, ServerLost, problem_of, unwrapped

Word = bytes | str | int

GRACE: Final = 0.002
"""Grace period in seconds for an answer that this process was too busy to read."""


def packed(words: Sequence[Word]) -> bytes:
    """A command in the server's wire format."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Wire:
    """An open connection. A late answer closes it, because the answers after it are late too.

    `lost` completes with what was wrong, never with an exception.
    """

    def __init__(self, connection: DirectConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self.lost: asyncio.Future[Problem] = self._loop.create_future()
        self._reader = self._loop.create_task(self._read())

    @classmethod
    async def open(cls, address: Address, options: ConnectionOptions) -> Self:
        """Connect and log in. Raises ServerLost."""
        connection = options.connection(address)
        try:
            async with asyncio.timeout(options.patience):
                await connection.open()
        except (RedisError, OSError, TimeoutError) as error:
            await connection.disconnect(nowait=True)
            raise ServerLost(problem_of(error)) from None
        except asyncio.CancelledError:
            await connection.disconnect(nowait=True)
            raise
        return cls(connection)

    async def call(self, *commands: Sequence[Word], until: float) -> Any:
        """Send commands and return the answer to the last. The deadline is in the loop's time.

        Raises ServerLost, and ResponseError if the server answers with an error.
        """
        if self.lost.done():
            raise ServerLost(self.lost.result())
        answers: list[asyncio.Future[Any]] = [self._loop.create_future() for _ in commands]
        self._waiting.extend(answers)
        timer = self._loop.call_at(until, self._deadline_passed, answers[-1])
        try:
            self._connection.write(b"".join(map(packed, commands)))
            answer = await answers[-1]
        except (OSError, RuntimeError):  # uvloop's error for a closed connection
            self.lose(GONE)
            raise ServerLost(GONE) from None
        finally:
            timer.cancel()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lose(self, problem: Problem) -> None:
        """Drop the connection; all waiting calls fail with this reason."""
        if not self.lost.done():
            self.lost.set_result(problem)
        for answer in self._waiting:
            if not answer.done():
                answer.set_result(ServerLost(problem))
        self._waiting.clear()
        self._connection.abort()

    async def close(self) -> None:
        """Close the connection for good."""
        self.lose(GONE)
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._connection.disconnect(nowait=True)

    async def _read(self) -> None:
        while True:
            answer: Any
            try:
                answer = await self._connection.read_response()
            except ResponseError as refusal:
                answer = unwrapped(refusal)
            except (RedisError, OSError) as error:
                self.lose(problem_of(error))
                return
            except ValueError:
                self.lose(NOT_REDIS)
                return
            if not self._waiting:
                self.lose(NOT_REDIS)
                return
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(answer)

    def _deadline_passed(self, answer: asyncio.Future[Any]) -> None:
        self._loop.call_later(GRACE, self._grace_passed, answer)

    def _grace_passed(self, answer: asyncio.Future[Any]) -> None:
        # In a busy loop, timers run before data that was read meanwhile is delivered.
        self._loop.call_soon(self._fail_late, answer)

    def _fail_late(self, answer: asyncio.Future[Any]) -> None:
        if not answer.done():
            self.lose(LATE)
