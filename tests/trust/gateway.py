"""The gateway as users start it: a file, `jackfield serve`, and workers, which get killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field
from tests.trust.backing import STATE

ENVIRONMENT: Mapping[str, str] = {**os.environ, "TRUTH_KEY": "sk-truth-0"}
PATIENCE = 120.0
LOOK = 0.02

CONFIG = """
[server]
bind = "127.0.0.1:{port}"
admin = ""
workers = {workers}
state_dir = "{state}"
log_level = "warning"
drain_seconds = 10

[upstream]
retries = 1

[providers.truth]
use = "openai"
base_url = "http://127.0.0.1:{provider}/v1"
keys = ["env:TRUTH_KEY"]

[prices."truth/*"]
input = 10
output = 30

[plugins.budgets]
[plugins.usage]
[plugins.virtual_keys]
"""


@define(eq=False)
class Gateway:
    """One configuration in a folder, and the processes that serve it.

    `module` is what is run in the place of `jackfield`, which serves.
    """

    folder: Path
    port: int
    module: str = "jackfield"
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """Its file."""
        return self.folder / "jackfield.toml"

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return (self.folder / "log").read_text()

    def command(self, *words: str) -> str:
        """What a command of the command line prints. Exit code 1 may mean that there is news."""
        line = [sys.executable, "-m", "jackfield", *words, "--config", str(self.config)]
        done = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            raise RuntimeError(f"{words} failed: {done.stderr}{done.stdout}")
        return done.stdout

    def make_key(self, team: str, name: str) -> tuple[str, str]:
        """The id and the text of a new key."""
        made = json.loads(self.command("keys", "create", "--json", "--team", team, name))
        return made["id"], made["key"]

    def start(self, workers: int) -> None:
        """Serve, and wait until all workers do."""
        line = [sys.executable, "-m", self.module, "serve", "--config", str(self.config)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(line, env=ENVIRONMENT, stderr=log, stdout=log)
        _wait(lambda: len(self.serving()) == workers, self)

    def stop(self) -> int:
        """End it in good order; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            for pid in self.workers():
                os.kill(pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    def workers(self) -> Sequence[int]:
        """The worker processes, whether they serve yet or not."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            pids = [int(pid) for pid in children.read_text().split()]
        except OSError:
            return []
        # They are forks of it. One that is dead has no command line.
        serving = _command_line(self._process.pid)
        return [pid for pid in pids if _command_line(pid) == serving]

    def journals(self) -> Mapping[int, str]:
        """The owners whose journals are not closed, by their processes."""
        found = re.compile(r"[0-9a-f]+-(\d+)-[0-9a-f]+")
        state = self.folder / STATE
        names = [name for _, folders, _ in os.walk(state) for name in folders]
        return {int(match[1]): name for name in names if (match := found.fullmatch(name))}

    def serving(self) -> Sequence[int]:
        """The workers that have got as far as to open their journals."""
        opened = self.journals()
        return [pid for pid in self.workers() if pid in opened]

    def settle(self, workers: int) -> None:
        """Wait until all workers serve and nothing of a dead one is left to recover."""
        _wait(lambda: len(self.serving()) == workers == len(self.journals()), self)

    def check(self) -> None:
        """Raise RuntimeError if it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the gateway has ended: {self.log[-4000:]}")


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _wait(condition: Callable[[], bool], gateway: Gateway) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        gateway.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"the gateway does not come to rest: {gateway.log[-4000:]}")
        time.sleep(LOOK)


@contextmanager
def killed_at_last(gateway: Gateway) -> Iterator[Gateway]:
    """A gateway that does not outlive the block."""
    try:
        yield gateway
    finally:
        gateway.kill()
