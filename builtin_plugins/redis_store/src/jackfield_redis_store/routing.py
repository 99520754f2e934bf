"""Which server to ask: the only one, the sentinels' primary, or one of a cluster."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from jackfield.address import Address

from .connections import ConnectionOptions
from .node import Node
from .problems import Problem, ServerLost, problem_of
from .wire import Wire, Word

SENTINEL_SECONDS: Final = 0.3
"""Timeout in seconds for a sentinel's answer."""


class Router(ABC):
    """The route to the servers."""

    @abstractmethod
    async def ask(self, key: bytes, command: Sequence[Word], until: float) -> Any:
        """Run commands on the server that has a key. Raises ServerLost and ResponseError."""

    @abstractmethod
    async def settled(self, until: float) -> None:
        """Wait until it is known whether the servers can be asked, or until a deadline."""

    @abstractmethod
    def distrust(self, key: bytes, problem: Problem) -> None:
        """Look up the server of a key again, as the one that was asked is wrong."""

    @abstractmethod
    def session(self, key: bytes) -> object:
        """Changes when the server of a key was reconnected to or has been replaced."""

    @property
    @abstractmethod
    def problem(self) -> Problem | None:
        """What is wrong, or None."""

    @property
    @abstractmethod
    def address(self) -> Address | None:
        """The server to receive messages from."""

    @abstractmethod
    async def stop(self) -> None:
        """Close all connections."""


class SingleRouter(Router):
    """Routes every key to one server."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def ask(self, key: bytes, command: Sequence[Word], until: float) -> Any:
        """Run commands on the server."""
        return await self._node.ask(command, until=until)

    async def settled(self, until: float) -> None:
        """Wait until it is known whether the server can be asked."""
        await self._node.settled(until)

    def distrust(self, key: bytes, problem: Problem) -> None:
        """Look up the server's address again."""
        self._node.drop(problem)

    def session(self, key: bytes) -> object:
        """Changes when the server was reconnected to."""
        return self._node.session

    @property
    def problem(self) -> Problem | None:
        """What is wrong, or None."""
        return self._node.problem

    @property
    def address(self) -> Address | None:
        """The address of the last connection."""
        return self._node.address

    async def stop(self) -> None:
        """Close the connection."""
        await self._node.stop()


class Sentinels:
    """The sentinels that know the primary."""

    def __init__(self, addresses: Sequence[Address], name: str, options: ConnectionOptions) -> None:
        self._addresses = list(addresses)
        self._name = name
        self._options = options

    async def primary(self) -> Address:
        """The primary, according to the first sentinel that knows it. Raises ServerLost."""
        problem = Problem(
            f"is not known to the sentinels under the name {self._name!r}", mistake=True
        )
        for address in list(self._addresses):
            try:
                async with asyncio.timeout(SENTINEL_SECONDS):
                    found = await self._ask(address)
            except (ServerLost, RedisError, TimeoutError) as error:
                why = problem_of(error)
                reason = f"cannot be found, for no sentinel says where it is: one {why.reason}"
                problem = Problem(reason, why.mistake)
                continue
            if found:
                # Ask the sentinel that answered first next time.
                self._addresses.remove(address)
                self._addresses.insert(0, address)
                return found
        raise ServerLost(problem)

    async def _ask(self, address: Address) -> Address | None:
        wire = await Wire.open(address, self._options)
        try:
            until = asyncio.get_running_loop().time() + SENTINEL_SECONDS
            question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
            answer = await wire.call(question, until=until)
        finally:
            await wire.close()
        return Address(answer[0].decode(), int(answer[1])) if answer else None
