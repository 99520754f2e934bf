"""The machine that measures: its processors, the mock provider, and the load generator."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
UPSTREAM_PORT = 9100
GATEWAY_CPU, LOAD_CPU = 0, 1

Result = dict[str, Any]
"""What the load generator prints."""


class Unfit(Exception):
    """Why nothing can be measured here."""


class Machine:
    """Builds the tools and runs them on a processor of their own, in `directory`."""

    def __init__(self, directory: Path, port: int = UPSTREAM_PORT) -> None:
        self.port = port
        self.directory = directory
        if not {GATEWAY_CPU, LOAD_CPU} <= os.sched_getaffinity(0):
            raise Unfit("needs two processors, 0 and 1: one for the gateway, one for the load.")
        compiler = shutil.which(os.environ.get("CC", "gcc"))
        if compiler is None:
            raise Unfit("needs a C compiler for its load generator: install gcc, or set CC.")
        for tool in ("upstream", "load"):
            source = str(HERE / f"{tool}.c")
            command = [compiler, "-O2", "-Wall", "-o", str(directory / tool), source, "-lm"]
            built = subprocess.run(command, capture_output=True, text=True, check=False)
            if built.returncode:
                raise Unfit(f"cannot build {source}:\n{built.stderr}")

    def __enter__(self) -> Self:
        command = [str(self.directory / "upstream"), str(self.port)]
        self._upstream = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            preexec_fn=on_cpu(LOAD_CPU),  # noqa: PLW1509 - there are no threads
        )
        if self._upstream.stdout is None or not self._upstream.stdout.readline():
            raise Unfit(f"port {self.port} is taken; is another measurement running?")
        return self

    def __exit__(self, *_: object) -> None:
        self._upstream.kill()
        self._upstream.wait()

    def upstream(self, **settings: int) -> dict[str, int]:
        """Change what the mock provider does; its counts so far."""
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        url = f"http://127.0.0.1:{self.port}/set?{query}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def load(self, request: Sequence[str], options: str, pids: Iterable[int] = ()) -> Result:
        """Run the load generator to its end."""
        with self.start_load(request, options, pids) as process:
            return read_result(process)

    def start_load(
        self, request: Sequence[str], options: str, pids: Iterable[int] = ()
    ) -> subprocess.Popen[str]:
        """Start the load generator; `read_result` waits for it."""
        watched = [word for pid in pids for word in ("--pid", str(pid))]
        return subprocess.Popen(
            [str(self.directory / "load"), *request, *options.split(), *watched],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=on_cpu(LOAD_CPU),  # noqa: PLW1509 - there are no threads
        )


def read_result(process: subprocess.Popen[str]) -> Result:
    """What a load generator has measured, once it is done."""
    out, problem = process.communicate()
    if process.returncode:
        raise Unfit(f"the load generator failed: {problem.strip() or process.returncode}")
    result: Result = json.loads(out)
    return result


def on_cpu(number: int) -> Callable[[], None]:
    """What pins a new process, and puts it before all others where that is allowed."""

    def pin() -> None:
        os.sched_setaffinity(0, {number})
        if os.geteuid() == 0:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    return pin
