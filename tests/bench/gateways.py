"""A gateway as a process: started, loaded, measured and stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

from attrs import define, field
from tests.bench.machine import GATEWAY_CPU, Unfit, on_cpu

QUESTION = (
    "Explain what an LLM gateway adds to an application that calls several providers, what it"
    " costs in latency, and when a team should run one instead of using the SDKs alone."
)


@define(kw_only=True, eq=False)
class Gateway:
    """One gateway to be measured. Without a command it runs already: the mock provider itself."""

    name: str
    port: int = 0
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(factory=dict)
    path: str = "/v1/chat/completions"
    model: str = "gpt-4o-mini"
    headers: Mapping[str, str] = field(factory=dict)
    port_pattern: str = ""
    start_limit: float = 60.0
    load_share: float = 1.0
    start_seconds: float = field(default=0.0, init=False)
    idle_mb: float = field(default=0.0, init=False)
    _log: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, directory: Path) -> None:
        """Start it and wait for its first answer. Raises Unfit when none comes."""
        if not self.command:
            return
        self._log = directory / f"{self.name}.log"
        if shutil.which(self.command[0]) is None:
            raise Unfit(f"{self.name} cannot be started: {self.command[0]} is not installed.")
        began = monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=on_cpu(GATEWAY_CPU),  # noqa: PLW1509 - there are no threads
            )
        while not self._answers():
            ended = self._process.poll() is not None
            if ended or monotonic() - began > self.start_limit:
                self.stop()
                log_text = self._log.read_text(errors="replace")[-600:].strip()
                raise Unfit(f"{self.name} does not start; it says:\n{log_text}")
            sleep(0.005)
        self.start_seconds = monotonic() - began
        self.settle()
        if self._process.poll() is not None:
            raise Unfit(f"{self.name} ended, but another process answers on port {self.port}")
        self.idle_mb = self.memory_mb()

    def stop(self) -> None:
        """End it and its children."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def request(self, *, stream: bool = False) -> list[str]:
        """What tells the load generator to ask this gateway."""
        arguments = ["--port", str(self.port), "--path", self.path]
        for name, value in self.headers.items():
            arguments += ["--header", f"{name}: {value}"]
        return [*arguments, "--body", self._body(stream=stream), *(["--stream"] * stream)]

    def pids(self) -> list[int]:
        """Its processes."""
        found = [self._process.pid] if self._process else []
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, task.read_text().split())
        return found

    def memory_mb(self) -> float:
        """Resident memory; of several processes shared pages count once."""
        pids = self.pids()
        kind = "Rss" if len(pids) == 1 else "Pss"
        total = 0
        for pid in pids:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(map(int, re.findall(rf"^{kind}: +(\d+)", rollup, re.MULTILINE)))
        return total / 1024

    def settle(self, limit: float = 20.0) -> None:
        """Wait until it rests, so that the next measurement has nothing of this one."""
        end = monotonic() + limit
        while monotonic() < end:
            before = self._cpu_ns()
            sleep(0.25)
            if self._cpu_ns() - before < 10_000_000:
                return

    def _cpu_ns(self) -> int:
        tasks = (task for pid in self.pids() for task in Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def _answers(self) -> bool:
        if self.port_pattern:
            found = re.search(self.port_pattern, self._log.read_text(errors="replace"))
            self.port = int(found[1]) if found else 0
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{self.path}",
            self._body(stream=False).encode(),
            {"Content-Type": "application/json", "Authorization": "Bearer sk-bench"}
            | dict(self.headers),
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - to this machine
                return bool(json.load(answer)["usage"]["total_tokens"] == 170)
        except OSError:
            return False

    def _body(self, *, stream: bool) -> str:
        system = "You are a careful assistant. Answer in one paragraph and cite no sources."
        body = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": QUESTION},
            ],
            "temperature": 0.7,
            "max_tokens": 128,
        }
        return json.dumps(body | {"stream": True} if stream else body)
