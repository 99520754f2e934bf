"""One server: connects in the background, and fails at once while disconnected."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from jackfield.address import Address

from .connections import ConnectionOptions
from .inspection import inspect
from .problems import LATE, Problem, ServerLost, problem_of
from .wire import Wire, Word

logger = logging.getLogger("jackfield.plugins")

SHORTEST_PAUSE: Final = 0.04
LONGEST_PAUSE: Final = 1.0
INSPECT_EVERY: Final = 2.0
"""Seconds between checks that a server is still suitable."""
STEADY_SECONDS: Final = 1.0
"""Minimum age in seconds at which a lost connection is reopened at once."""

Locate = Callable[[], Awaitable[Address]]


class Node:
    """A connection to one server, with reconnection.

    `problem` is why the server cannot be asked now: calls then fail at once, while reconnection
    goes on in the background. It is None during the first attempt to connect, or to reconnect after
    a good connection: calls wait for that as long as they wait for answers.
    """

    def __init__(
        self,
        name: str,
        locate: Locate,
        options: ConnectionOptions,
        *,
        deadline: float,
        clustered: bool = False,
        on_down: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.problem: Problem | None = None
        self.address: Address | None = None
        self.session = object()
        """Another one whenever the server has been connected to anew: it may be another server."""

        self._locate = locate
        self._options = options
        self._deadline = deadline
        self._clustered = clustered
        self._risk = ""
        self._on_down = on_down
        self._wire: Wire | None = None
        self._loop = asyncio.get_running_loop()
        self._settled: asyncio.Future[None] = self._loop.create_future()
        self._keeper = self._loop.create_task(self._keep())

    async def ask(self, *commands: Sequence[Word], until: float) -> Any:
        """The server's answer to the last of several commands. Raises ServerLost."""
        if self._wire is None and self.problem is None:
            await self.settled(until)
        if self._wire is None:
            raise ServerLost(self.problem or LATE)
        return await self._wire.call(*commands, until=until)

    async def settled(self, until: float) -> bool:
        """Wait until the server is connected or has a problem; return whether that was in time."""
        # Unlike wait_for, wait does not cancel the future on a timeout; others wait for it too.
        await asyncio.wait([self._settled], timeout=until - self._loop.time())
        return self._settled.done()

    def drop(self, problem: Problem) -> None:
        """Reconnect, perhaps elsewhere, as the server says that it is the wrong one."""
        if self._wire is not None:
            self._wire.lose(problem)

    async def stop(self) -> None:
        """Close the connection."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                wire = await self._open()
            except (ServerLost, ResponseError) as error:
                self._is_down(problem_of(error))
                failures += 1
                await asyncio.sleep(_pause(failures))
                continue
            opened = self._loop.time()
            try:
                self._is_up(wire)
                problem = await self._watch(wire)
            finally:
                self._wire, self._settled = None, self._loop.create_future()
                await wire.close()
            steady = self._loop.time() - opened > STEADY_SECONDS
            if steady and problem is not LATE:
                failures = 0
                continue
            # A server that is repeatedly slow is asked less and less often.
            failures = failures + 1 if problem is LATE and not steady else 1
            self._is_down(problem)
            await asyncio.sleep(_pause(failures))

    async def _open(self) -> Wire:
        self.address = await self._locate()
        wire = await Wire.open(self.address, self._options)
        try:
            await self._inspect(wire)
            await wire.call(("PING",), until=self._loop.time() + self._deadline)
        except BaseException:
            await wire.close()
            raise
        return wire

    async def _inspect(self, wire: Wire) -> None:
        """Raise ServerLost if the server cannot store data."""
        until = self._loop.time() + self._options.patience
        found = await inspect(wire, until, clustered=self._clustered)
        if found.problem:
            raise ServerLost(found.problem)
        if found.risk and found.risk != self._risk:
            logger.warning("%s %s", self.name, found.risk)
        self._risk = found.risk

    async def _watch(self, wire: Wire) -> Problem:
        """Wait until the connection is lost or the server can no longer store data."""
        while not (await asyncio.wait([wire.lost], timeout=INSPECT_EVERY))[0]:
            try:
                await self._inspect(wire)
            except ServerLost as lost:
                wire.lose(lost.problem)
        return wire.lost.result()

    def _is_up(self, wire: Wire) -> None:
        if self.problem is not None:
            logger.info("%s is back", self.name)
        self._wire, self.problem, self.session = wire, None, object()
        if not self._settled.done():
            self._settled.set_result(None)

    def _is_down(self, problem: Problem) -> None:
        if problem != self.problem:
            logger.warning("%s %s", self.name, problem.reason)
        self.problem = problem
        if not self._settled.done():
            self._settled.set_result(None)
        self._on_down()


def _pause(failures: int) -> float:
    longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * (1 << min(failures, 10)))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, keeps no secret
