"""Real worker processes, real signals."""

import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define

SCRIPT = Path(__file__).with_name("supervised.py")


@define(eq=False)
class Supervised:
    process: subprocess.Popen[str]

    def line(self, word: str) -> str:
        """The rest of the next line of output that has `word`; what is before is skipped."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if word in line:
                return line.partition(word)[2].strip()
        raise AssertionError(f"ended without saying {word!r}")

    def pids(self, word: str, count: int) -> set[int]:
        return {int(self.line(word)) for _ in range(count)}

    def rest(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()


Start = Callable[[str, int], Supervised]


@pytest.fixture
def supervise() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(mode: str, count: int) -> Supervised:
        command = [sys.executable, str(SCRIPT), mode, str(count)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return Supervised(process)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no worker is a fork")


def get(port: str, path: str = "/") -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return int(answer.read())


def test_each_worker_serves_on_the_shared_port(supervise: Start) -> None:
    supervised = supervise("serve", 2)
    port = supervised.line("port")
    pids = supervised.pids("ready", 2)
    served: set[int] = set()
    while served != pids:
        served.add(get(port))
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.pids("drained", 2) == pids
    assert supervised.process.wait() == 0


def test_a_killed_worker_is_replaced_and_its_queue_served(supervise: Start) -> None:
    supervised = supervise("serve", 1)
    port = supervised.line("port")
    old = supervised.pids("ready", 1)
    os.kill(old.pop(), signal.SIGKILL)
    assert "restarting" in supervised.line("exit code -9")
    # Asked before the new worker is up: the connection waits in the socket kept open for it.
    assert get(port) == supervised.pids("ready", 1).pop()


@on_linux
def test_where_no_worker_can_be_started_the_others_go_on(supervise: Start) -> None:
    supervised = supervise("serve", 2)
    port = supervised.line("port")
    dead, alive = supervised.pids("ready", 2)
    before = resource.prlimit(supervised.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(supervised.process.pid, resource.RLIMIT_NOFILE, (4, before[1]))
    os.kill(dead, signal.SIGKILL)
    assert "s" in supervised.line("Too many open files; trying again in")
    resource.prlimit(supervised.process.pid, resource.RLIMIT_NOFILE, before)
    new = supervised.pids("ready", 1)
    served: set[int] = set()
    while served != {alive, *new}:
        served.add(get(port))


@on_linux
def test_workers_are_forks_that_have_no_socket_of_another(supervise: Start) -> None:
    supervised = supervise("inspect", 2)
    here = f"{supervised.process.pid} listens at 1"
    assert {supervised.line("imported by") for _ in range(2)} == {here}
    os.kill(supervised.pids("ready", 1).pop(), signal.SIGKILL)
    assert supervised.line("imported by") == here


@on_linux
def test_where_threads_run_workers_are_fresh_interpreters(supervise: Start) -> None:
    supervised = supervise("threaded", 1)
    assert "an-intruder" in supervised.line("workers start as fresh interpreters")
    imported_by = supervised.line("imported by").partition(" ")[0]
    assert supervised.pids("ready", 1) == {int(imported_by)}


def test_sighup_reaches_every_worker_and_ends_none(supervise: Start) -> None:
    supervised = supervise("serve", 2)
    pids = supervised.pids("ready", 2)
    supervised.process.send_signal(signal.SIGHUP)
    assert supervised.pids("reloaded", 2) == pids


def test_sigterm_lets_a_running_request_finish(supervise: Start) -> None:
    supervised = supervise("serve", 1)
    port = supervised.line("port")
    supervised.pids("ready", 1)
    client = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/slow')",
        ]
    )
    supervised.pids("running", 1)
    supervised.process.send_signal(signal.SIGTERM)
    assert client.wait() == 0
    assert supervised.process.wait() == 0


def test_a_worker_that_does_not_stop_is_killed(supervise: Start) -> None:
    supervised = supervise("stubborn", 2)
    supervised.pids("ready", 2)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait() == 0


def test_a_second_signal_kills_at_once(supervise: Start) -> None:
    supervised = supervise("stubborn", 1)
    supervised.pids("ready", 1)
    supervised.process.send_signal(signal.SIGTERM)
    supervised.process.send_signal(signal.SIGINT)
    supervised.process.wait()
    assert "killing the workers" in supervised.rest()


def test_workers_that_cannot_start_end_it_with_their_exit_code(supervise: Start) -> None:
    supervised = supervise("fail", 2)
    assert "exit code 7" in supervised.line("could not start")
    assert supervised.process.wait() == 7


def test_one_that_is_killed_before_it_serves_is_replaced(supervise: Start) -> None:
    supervised = supervise("late", 1)
    port = supervised.line("port")
    os.kill(supervised.pids("starting", 1).pop(), signal.SIGKILL)
    assert get(port) == supervised.pids("ready", 1).pop()


def test_a_worker_that_dies_again_and_again_is_restarted_ever_later(supervise: Start) -> None:
    supervised = supervise("crash", 1)
    pauses = [supervised.line("restarting it in") for _ in range(4)]
    assert pauses == ["0.1 s", "0.2 s", "0.4 s", "0.8 s"]


def test_a_worker_that_stands_still_is_replaced(supervise: Start) -> None:
    supervised = supervise("impatient", 2)
    still = supervised.pids("ready", 2).pop()
    os.kill(still, signal.SIGSTOP)
    logged = supervised.line("ERROR:jackfield.supervisor:worker")
    assert f"(pid {still}) has been unresponsive" in logged
    assert supervised.pids("ready", 1) != {still}


def test_workers_do_not_outlive_a_killed_supervisor(supervise: Start) -> None:
    supervised = supervise("serve", 2)
    pids = supervised.pids("ready", 2)
    supervised.process.kill()
    assert supervised.pids("drained", 2) == pids
    # End of output: nobody holds the pipe any more, so all of them are gone.
    supervised.rest()


def test_even_a_stubborn_worker_does_not_outlive_a_killed_supervisor(supervise: Start) -> None:
    supervised = supervise("stubborn", 1)
    supervised.pids("ready", 1)
    supervised.process.kill()
    supervised.rest()
