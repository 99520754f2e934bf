"""Processes that are killed while they spend: everything is in the store, and nothing twice."""

import asyncio
import pickle
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

import pytest
from attrs import define, field

from jackfield._ledger.recovery import Recovery
from jackfield.store import Account
from jackfield.testing.memory_store import MemoryStore

BUDGET = Account("acme", "a")
WORKER = str(Path(__file__).with_name("ledger_worker.py"))
ALLOWED = {
    "promising": ({}, {"promised": 1}),
    "promised": ({"promised": 1},),
    "posting": ({"promised": 1}, {"spent": 1}),
    "posted": ({"spent": 1},),
    "cancelling": ({}, {"promised": 1}),
    "cancelled": ({},),
}
"""What may be in the store after the last step that was reported of a promise."""


@define(eq=False)
class Worker:
    """One process, and the step it has reported last of each of its promises."""

    name: str
    process: Process
    reported: dict[str, str] = field(factory=dict)

    async def live(self, lines: int) -> None:
        """Listen to so many lines, then kill it and read the rest."""
        assert self.process.stdout is not None
        for _ in range(lines):
            self._note(await self.process.stdout.readline())
        self.process.kill()
        for line in (await self.process.stdout.read()).splitlines(keepends=True):
            self._note(line)
        await self.process.wait()

    def _note(self, line: bytes) -> None:
        if line.endswith(b"\n"):
            step, number = line.decode().split()
            self.reported[f"{self.name}:{number}"] = step


async def serve(store: MemoryStore, path: str) -> asyncio.Server:
    """Answer the workers' calls."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if call := await reader.read():
            name, arguments, named = pickle.loads(call)  # noqa: S301 - the test's own
            result = await getattr(store, name)(*arguments, **named)
            writer.write(pickle.dumps(result))
        writer.close()

    return await asyncio.start_unix_server(answer, path)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("lives", [2, pytest.param(13, marks=pytest.mark.slow)])
async def test_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path, lives: int) -> None:
    """Four workers at a time, who recover each other's journals until they are killed too."""
    store = MemoryStore()
    workers: list[Worker] = []
    chance = random.Random(4)  # noqa: S311 - the same kills each time
    socket, journals = str(tmp_path / "store"), tmp_path / "journals"

    async def work(name: str) -> None:
        arguments = (sys.executable, WORKER, socket, str(journals), name)
        worker = Worker(name, await asyncio.create_subprocess_exec(*arguments, stdout=PIPE))
        workers.append(worker)
        await worker.live(chance.randrange(1, 600))

    async def work_again(crew: int) -> None:
        for life in range(lives):
            await work(f"{crew}.{life}")

    async with await serve(store, socket):
        await asyncio.gather(*(work_again(crew) for crew in range(4)))
    await Recovery(store, journals, 1 << 20).recover()
    found = await kept(store)
    wrong = [
        (promise, step, found.get(promise))
        for worker in workers
        for promise, step in worker.reported.items()
        if found.get(promise, {}) not in ALLOWED[step]
    ]
    assert wrong == []
    assert len(found) > lives * 100
    assert (await store.balances([(BUDGET, 0)]))[0].spent == sum(map(Counter.total, found.values()))


async def kept(store: MemoryStore) -> dict[str, Counter[str]]:
    """What the store has of each promise, and how often."""
    found: dict[str, Counter[str]] = {}
    for record in await store.records("acme", 0, 9, limit=1_000_000):
        promise, _, kind = record.data.decode().rpartition(":")
        found.setdefault(promise, Counter())[kind] += 1
    return found
