"""A gateway as users start it, for tests whose clients wait for their answers."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

KEY: Final = "sk-of-the-vendor"

_SERVING = re.compile(r"serving on (127\.0\.0\.1:\d+);")


@contextmanager
def serving(folder: Path, toml: str) -> Iterator[str]:
    """`jackfield serve` with this configuration; the URL at which it serves.

    It finds no vendor's key in its environment, and must end well when it is stopped.
    """
    (folder / "jackfield.toml").write_text(toml)
    usual = {name: text for name, text in os.environ.items() if "_KEY" not in name}
    with subprocess.Popen(
        [sys.executable, "-m", "jackfield", "serve", "--config", "jackfield.toml"],
        cwd=folder,
        env={**usual, "UPSTREAM_KEY": KEY},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        log: list[str] = []
        address = _address(process, log)
        # Somebody has to read on, or the gateway waits once the pipe is full.
        reading = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
        reading.start()
        try:
            yield f"http://{address}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            reading.join()
        assert process.returncode == 0, "".join(log)


def _address(process: subprocess.Popen[str], log: list[str]) -> str:
    if process.stderr is None:
        raise RuntimeError("stderr is not captured")
    for line in process.stderr:
        log.append(line)
        if found := _SERVING.search(line):
            return found[1]
    raise RuntimeError("".join(log))
