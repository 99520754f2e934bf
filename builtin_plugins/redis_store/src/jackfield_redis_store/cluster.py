"""A cluster: which server has which slots, learned and kept up to date."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError

from jackfield.address import Address

from .connections import ConnectionOptions
from .node import Node
from .problems import Problem, ServerLost, message_of, problem_of
from .routing import Router
from .wire import Word

REDIRECTIONS: Final = 4
LEARN_SECONDS: Final = 0.5
"""Timeout in seconds for a server's list of slots."""
LEARN_EVERY: Final = 0.2
"""Seconds between checks of a cluster with problems."""

_UNKNOWN: Final = Problem("does not say which of its servers has which keys")


class ClusterRouter(Router):
    """Asks the server that has a key's slot; learns the slots from redirections."""

    def __init__(
        self, seeds: Sequence[Address], options: ConnectionOptions, *, deadline: float
    ) -> None:
        self._seeds = tuple(seeds)
        self._options = options
        self._deadline = deadline
        self._nodes: dict[Address, Node] = {}
        self._owners: list[Node | None] = [None] * 16384
        self._problem: Problem | None = None
        self._refusal = _UNKNOWN
        self._learning_due = asyncio.Event()
        self._learning_due.set()
        self._loop = asyncio.get_running_loop()
        self._settled: asyncio.Future[None] = self._loop.create_future()
        for seed in self._seeds:
            self._node(seed)
        self._learner = self._loop.create_task(self._learn())

    async def ask(self, key: bytes, command: Sequence[Word], until: float) -> Any:
        """Ask the server that has the key, following redirections."""
        await self.settled(until)
        slot = key_slot(key)
        node, asking = self._owners[slot], False
        for _ in range(REDIRECTIONS):
            if node is None:
                raise ServerLost(self._problem or _UNKNOWN)
            try:
                commands = (("ASKING",), command) if asking else (command,)
                return await node.ask(*commands, until=until)
            except MovedError as moved:
                node, asking = self._node(_place(moved, node)), False
                self._owners[slot] = node
                self._learning_due.set()
            except AskError as elsewhere:
                node, asking = self._node(_place(elsewhere, node)), True
            except ClusterDownError as down:
                self._learning_due.set()
                raise ServerLost(Problem(f"is down: {message_of(down)}")) from None
        raise ServerLost(Problem("sends from one server to the next without end"))

    async def settled(self, until: float) -> None:
        """Wait until the slots are known, or cannot be for now."""
        if not self._settled.done():
            await asyncio.wait([self._settled], timeout=until - self._loop.time())

    def distrust(self, key: bytes, problem: Problem) -> None:
        """Look up again which server has which slots."""
        node = self._owners[key_slot(key)]
        if node is not None:
            node.drop(problem)
        self._learning_due.set()

    def session(self, key: bytes) -> object:
        """The session with the server of the key, if known."""
        node = self._owners[key_slot(key)]
        return node and node.session

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the cluster or with one of its servers."""
        if self._problem:
            return self._problem
        owners = {node for node in self._owners if node is not None}
        return next((node.problem for node in owners if node.problem), None)

    @property
    def address(self) -> Address | None:
        """Any healthy server: messages reach all of them."""
        well = (address for address, node in self._nodes.items() if node.problem is None)
        return next(well, None)

    async def stop(self) -> None:
        """Close all connections."""
        self._learner.cancel()
        await asyncio.gather(self._learner, return_exceptions=True)
        await asyncio.gather(*(node.stop() for node in self._nodes.values()))

    def _node(self, address: Address) -> Node:
        if address not in self._nodes:

            async def locate() -> Address:
                return address

            self._nodes[address] = Node(
                f"The cluster's server {address}",
                locate,
                self._options,
                deadline=self._deadline,
                clustered=True,
                on_down=self._learning_due.set,
            )
        return self._nodes[address]

    async def _learn(self) -> None:
        while True:
            await self._learning_due.wait()
            self._learning_due.clear()
            slots = await self._slots()
            if slots:
                await self._accept(slots)
            else:
                self._problem = self._worst_problem()
            if not self._settled.done():
                self._settled.set_result(None)
            if self.problem:
                await asyncio.sleep(LEARN_EVERY)
                self._learning_due.set()

    async def _slots(self) -> list[tuple[int, int, Address]]:
        self._refusal = _UNKNOWN
        for address, node in list(self._nodes.items()):
            try:
                until = self._loop.time() + LEARN_SECONDS
                answer = await node.ask(("CLUSTER", "SLOTS"), until=until)
            except ServerLost:
                continue
            except ResponseError as error:
                self._refusal = problem_of(error)
                continue
            found = [
                (int(first), int(last), Address(primary[0].decode() or address.host, primary[1]))
                for first, last, primary, *_ in answer
                if primary[0] is not None
            ]
            if found:
                return found
        return []

    async def _accept(self, slots: list[tuple[int, int, Address]]) -> None:
        self._problem = None
        owners: list[Node | None] = [None] * 16384
        for first, last, address in slots:
            owners[first : last + 1] = [self._node(address)] * (last + 1 - first)
        self._owners = owners
        if None in owners:
            self._problem = Problem("has slots that none of its servers serves")
        kept = {address for _, _, address in slots} | set(self._seeds)
        for address in [address for address in self._nodes if address not in kept]:
            await self._nodes.pop(address).stop()

    def _worst_problem(self) -> Problem:
        problems = [node.problem for node in self._nodes.values() if node.problem]
        return next((one for one in problems if one.mistake), next(iter(problems), self._refusal))


def _place(elsewhere: AskError, node: Node) -> Address:
    host = elsewhere.host or (node.address.host if node.address else "")
    return Address(str(host), int(elsewhere.port))
