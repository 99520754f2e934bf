"""A gateway as users start it: a file, `jackfield serve`, a process of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

PLUGINS = Path(__file__).parent / "plugins"
IMPATIENT = {"connect": 1.0, "first_byte": 0.8, "between_events": 0.6, "total": 2.0}
KEY = "sk-canary-3f9a77c2d1"

_SERVING = re.compile(r"serving on 127\.0\.0\.1:(\d+)")
_RSS = re.compile(r"VmRSS:\s+(\d+) kB")
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@define(eq=False)
class GatewayProcess:
    """One `jackfield serve`; `log` holds the lines of its stderr."""

    config: Path
    _process: asyncio.subprocess.Process = field(init=False)
    _reading: asyncio.Task[None] = field(init=False)
    _news: asyncio.Condition = field(factory=asyncio.Condition)
    _silent: bool = False
    log: list[str] = field(factory=list)
    port: int = 0

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def launch(self, files: int | None = None) -> None:
        """Start it, with a limit of open files; do not wait until it serves."""
        command = [sys.executable, "-m", "jackfield", "serve", "--config", str(self.config)]
        if files is not None:
            command = ["prlimit", f"--nofile={files}:{files}", *command]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "UPSTREAM_KEY": KEY, "PYTHONPATH": str(PLUGINS)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def serving(self) -> None:
        """Wait until it serves."""
        line = await self.logged(_SERVING)
        match = _SERVING.search(line)
        if match is None:
            raise RuntimeError("\n".join(self.log))
        self.port = int(match[1])

    async def logged(self, pattern: str | re.Pattern[str], count: int = 1) -> str:
        """Wait for the line number `count` that matches; empty if the process ends before."""
        async with self._news:
            while True:
                found = [line for line in self.log if re.search(pattern, line)]
                if len(found) >= count:
                    return found[count - 1]
                if self._silent:
                    return ""
                await self._news.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = await self._process.wait()
        await self._reading
        return code

    async def stop(self) -> int:
        """End it in good order, if it still runs."""
        if self._process.returncode is None:
            self.send(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self.ended()

    def resident(self) -> int:
        """Bytes in memory now."""
        return self._memory(_RSS)

    def peak(self) -> int:
        """The most bytes that were in memory since `reset_peak`."""
        return self._memory(_PEAK)

    def reset_peak(self) -> None:
        """Measure the peak from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def files(self) -> int:
        """How many files and sockets are open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_seconds(self) -> float:
        """What it has used of a processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, pattern: re.Pattern[str]) -> int:
        match = pattern.search(Path(f"/proc/{self.pid}/status").read_text())
        if match is None:
            raise RuntimeError("the process has ended")
        return int(match[1]) * 1024

    async def _read(self) -> None:
        stream = self._process.stderr
        if stream is None:
            raise RuntimeError("stderr is not captured")
        async for line in stream:
            async with self._news:
                self.log.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._silent = True
            self._news.notify_all()


@asynccontextmanager
async def serving(
    directory: Path, toml: str, *, files: int | None = None
) -> AsyncIterator[GatewayProcess]:
    """A gateway with this configuration that serves, and is ended at last."""
    config = directory / "jackfield.toml"
    config.write_text(toml)
    gateway = GatewayProcess(config)
    await gateway.launch(files)
    try:
        await gateway.serving()
        yield gateway
        await gateway.stop()
    finally:
        await gateway.kill()


def provider(name: str, base_url: str, **keys: str) -> str:
    """The table of a provider at `base_url` that speaks OpenAI's dialects; `keys` are TOML."""
    lines = [f'base_url = "{base_url}/v1"', 'use = "openai"', 'keys = ["env:UPSTREAM_KEY"]']
    lines += [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join([f"[providers.{name}]", *lines, ""])


def config(
    base_url: str,
    *tables: str,
    retries: int = 0,
    server: str = "",
    timeouts: Mapping[str, float] | None = None,
) -> str:
    """A configuration with two providers: `same` speaks all dialects, `other` chat alone."""
    seconds = {**IMPATIENT, **(timeouts or {})}
    shown = ", ".join(f"{key} = {value}" for key, value in seconds.items())
    return "\n".join(
        [
            f'[server]\nbind = "127.0.0.1:0"\nadmin = ""\n{server}',
            f"[upstream]\nretries = {retries}\ntimeouts = {{ {shown} }}\n",
            *tables,
            provider("same", base_url),
            provider("other", base_url, dialects='["openai.chat"]'),
        ]
    )
