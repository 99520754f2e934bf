"""`jackfield serve`: it listens, answers, and ends on a signal."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from .conftest import Run

CONFIG = """\
[server]
bind = "127.0.0.1:1"
front_doors = []
[providers.parrot]
[models.bird]
targets = ["parrot/grey"]
[plugins.guard]
"""
LATE = """\
import logging, os, threading
from jackfield import Plugin

class Late(Plugin):
    async def start(self, setup):
        logging.error("late started in %d,", os.getpid())
"""
THREAD = "threading.Thread(target=threading.Event().wait, name='an-intruder', daemon=True).start()"
SIGNAL = "import signal\n"
HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "jackfield", *sys.argv[2:]])
"""
Start = Callable[..., subprocess.Popen[str]]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no worker is a fork")


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts `jackfield serve` with a configuration, and ends it after the test."""
    (folder / "jackfield.toml").write_text(CONFIG)
    with ExitStack() as running:
        # A shell's background jobs ignore it, and so would the processes that they start.
        running.callback(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def begin(*words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "jackfield", "serve", *words]
            process = subprocess.Popen(command, stderr=stderr, stdin=subprocess.DEVNULL, text=True)
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield begin


def line_of(process: subprocess.Popen[str], words: str) -> str:
    """What follows the words, in the next line of the log that has them."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line.partition(words)[2]
    raise AssertionError(f"it ended without {words!r}")


def address_of(process: subprocess.Popen[str]) -> str:
    """Where it says that it serves."""
    return re.split("[;,]", line_of(process, "serving on "))[0]


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The worker processes, the first one first."""
    return [
        int(pid)
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ]


def install_late(folder: Path, source: str) -> None:
    """One more plugin, in a distribution and a module of its own."""
    installed = folder.parent / "site" / "late-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[jackfield.plugins]\nlate = late:Late\n")
    (installed.parent / "late.py").write_text(source)
    (folder / "jackfield.toml").write_text(f"{CONFIG}[plugins.late]\n")


def get(address: str, path: str) -> bytes:
    with closing(HTTPConnection(address, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_where_it_says_and_ends_on_sigterm(start: Start, workers: str) -> None:
    process = start("--bind", "127.0.0.1:0", "--workers", workers)
    assert get(address_of(process), "/health") == b'{"status":"ok"}'
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_clients_wait_in_a_socket_of_systemd_for_the_next_start(folder: Path, workers: str) -> None:
    (folder / "jackfield.toml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        number, address = opened.fileno(), f"127.0.0.1:{opened.getsockname()[1]}"
        line = [sys.executable, "-c", HAND_OVER, str(number), "serve", "-b", address, "-w", workers]
        for _ in range(2):
            with closing(HTTPConnection(address, timeout=30)) as early:
                early.request("GET", "/health")
                with subprocess.Popen(line, pass_fds=[number]) as process:
                    assert early.getresponse().status == 200
                    process.send_signal(signal.SIGTERM)
            assert process.returncode == 0


@on_linux
def test_a_killed_worker_is_succeeded_by_one_with_the_plugins_named_since(
    start: Start, folder: Path
) -> None:
    process = start("--bind", "127.0.0.1:0", "--workers", "2")
    address = address_of(process)
    workers = workers_of(process)
    install_late(folder, LATE)
    os.kill(workers[0], signal.SIGKILL)
    started_in = workers[0]
    while started_in in workers:
        started_in = int(line_of(process, "late started in").partition(",")[0])
    assert address_of(process) == address
    assert started_in in workers_of(process)
    assert get(address, "/health") == b'{"status":"ok"}'


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_is_not_the_end_of_one_that_still_starts(
    start: Start, folder: Path, workers: str
) -> None:
    install_late(folder, LATE + "        os.kill(os.getpid(), signal.SIGHUP)\n" + SIGNAL)
    process = start("--bind", "127.0.0.1:0", "--workers", workers)
    assert get(address_of(process), "/health") == b'{"status":"ok"}'


def test_to_be_ended_is_no_failure_of_the_plugin_that_starts(start: Start, folder: Path) -> None:
    install_late(folder, LATE + "        os.kill(os.getpid(), signal.SIGTERM)\n" + SIGNAL)
    process = start("--bind", "127.0.0.1:0", "--workers", "1")
    assert process.stderr is not None
    assert "cannot start" not in process.stderr.read()
    assert process.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_that_still_starts_can_be_ended(
    start: Start, folder: Path, workers: str, number: signal.Signals
) -> None:
    install_late(folder, LATE + "        await asyncio.Future()\nimport asyncio\n")
    process = start("--bind", "127.0.0.1:0", "--workers", workers)
    line_of(process, "late started in")
    process.send_signal(number)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()  # ends when no worker is left
    assert process.wait(10) == (130 if number == signal.SIGINT and workers == "1" else 0)


@on_linux
def test_a_plugin_that_starts_a_thread_when_imported_gets_fresh_interpreters(
    start: Start, folder: Path
) -> None:
    install_late(folder, LATE + THREAD)
    process = start("--bind", "127.0.0.1:0", "--workers", "2")
    assert "an-intruder" in line_of(process, "workers start as fresh interpreters")
    assert get(address_of(process), "/health") == b'{"status":"ok"}'


def test_it_listens_on_every_address_that_is_given(start: Start, folder: Path) -> None:
    (folder / "etc").mkdir()
    config = (folder / "jackfield.toml").rename(folder / "etc/gateway.toml")
    process = start("-c", str(config), "-b", "127.0.0.1:0", "-b", "unix:socket")
    address_of(process)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{folder}/socket")


def test_a_person_sees_what_is_served_and_a_line_to_try(start: Start) -> None:
    screen, stderr = pty.openpty()
    process = start("--bind", "127.0.0.1:0", stderr=stderr)
    os.close(stderr)
    with open(screen, encoding="utf-8") as lines:
        seen = ""
        while "Ctrl+C" not in seen:
            seen += lines.readline()
        text = re.sub(r"\x1b\[[0-9;]*m", "", seen)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert re.search(r"address +http://127\.0\.0\.1:\d+ ", text)
    assert re.search(r"plugins +guard ", text)
    assert '"model": "bird"' in text


def test_a_runtime_directory_that_cannot_be_made_costs_the_admin_listener_alone(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"{folder}/file/run")
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        address = f"127.0.0.1:{chosen.getsockname()[1]}"
    process = start("--bind", address)
    assert "no directory for" in line_of(process, "no admin listener: ")
    assert get(address_of(process), "/health") == b'{"status":"ok"}'


def test_an_address_that_is_taken_is_one_line(folder: Path, jackfield: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = jackfield("serve", "--bind", address)
    assert ran.code == 2
    assert ran.err == f"server.bind: cannot listen on '{address}': Address already in use\n"


def test_workers_that_cannot_start_end_it_with_the_reason(
    folder: Path, jackfield_process: Run
) -> None:
    text = '[server]\nbind = "127.0.0.1:0"\nfront_doors = ["parrot", "other_parrot"]\n'
    (folder / "doors.toml").write_text(text)
    ran = jackfield_process("serve", "-c", "doors.toml", "--workers", "2")
    assert ran.code == 2
    assert "two plugins claim the endpoint POST /v1/chat/completions" in ran.err
    assert "Traceback" not in ran.err


def test_other_machines_are_not_let_in_without_authentication(jackfield: Run) -> None:
    ran = jackfield("serve", "--bind", "0.0.0.0:0")
    assert ran.code == 2
    assert "no plugin authenticates them" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bind", "8080"], "argument -b/--bind: no port; write host:port"),
        (["--workers", "0"], "argument -w/--workers: must be a number between 1 and 1024, found 0"),
        (["--workers", "many"], "argument -w/--workers: must be a number between 1 and 1024"),
    ],
)
def test_a_wrong_option_is_one_line(words: list[str], message: str, jackfield: Run) -> None:
    ran = jackfield("serve", *words)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith(f"jackfield serve: {message}")
