"""Several processes that spend from one budget, one of which is killed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest
from attrs import define, field

from jackfield.store import Account
from jackfield.testing import run_gateway

SCRIPT = Path(__file__).with_name("spender.py")
LIMIT = 200_000_000
COST = 1_000_000
MOST_OF_A_KILL = 4_000_000  # what one request may need

pytestmark = pytest.mark.timeout(120)


@define(eq=False)
class Spender:
    """A process, and the lines that it prints."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(factory=list)
    received: "Queue[str]" = field(factory=Queue)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self.received.put(line)

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.close()

    def wait_for(self, word: str) -> None:
        while not self.received.get(timeout=60).startswith(word):
            pass


@pytest.fixture
def spenders(tmp_path: Path) -> Iterator[list[Spender]]:
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    started = [
        Spender(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for _ in range(3)
    ]
    threads = [threading.Thread(target=one.listen, daemon=True) for one in started]
    for thread in threads:
        thread.start()
    yield started
    for one, thread in zip(started, threads, strict=True):
        one.process.kill()
        one.process.wait()
        thread.join()
        assert one.process.stdout is not None
        one.process.stdout.close()


async def test_no_process_spends_what_another_has_spent(
    spenders: list[Spender], tmp_path: Path
) -> None:
    for one in spenders:
        one.wait_for("ready")
    for one in spenders:
        one.begin()
    spenders[0].wait_for("spent")
    spenders[0].process.kill()
    for one in spenders[1:]:
        one.wait_for("over")
    answered = sum(line.startswith("spent") for one in spenders for line in one.lines)
    for one in spenders[1:]:
        one.process.kill()
        one.process.wait()
    async with run_gateway("[plugins.budgets]\n", directory=tmp_path) as client:
        plugin = client.plugin("budgets")
        await plugin._ledger._recovery.recover()
        balances = await plugin.watch._store.balances([(Account("", "budget:all"), 0)])
    assert balances[0].held == 0
    assert answered * COST <= balances[0].spent <= LIMIT
    assert balances[0].spent - answered * COST <= MOST_OF_A_KILL
