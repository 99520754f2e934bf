"""A process in the hands of who operates it: its log, and what a reload can and cannot change."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TextIO

import pytest
from attrs import frozen
from builtin_plugins.redis_store.tests.redis_servers import free_port

CONFIG = '[server]\nadmin = ""\nlog = "json"\nbind = "127.0.0.1:{port}"\n{more}\n[providers.demo]\n'
SMALLEST_PIPE = 4096
MORE_THAN_IT_HOLDS = 200


@frozen
class Running:
    """A gateway, and the reading end of its stderr."""

    process: subprocess.Popen[bytes]
    stderr: TextIO
    config: Path
    port: int

    def facts(self, word: str) -> dict[str, object]:
        """The next line that has a word in it; every line is an object."""
        for line in self.stderr:
            facts: dict[str, object] = json.loads(line)
            if word in line:
                return facts
        raise AssertionError(f"it ended without {word!r}")

    def status_of(self, path: str) -> int:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status


@contextmanager
def running(folder: Path, *, workers: int) -> Iterator[Running]:
    port, config = free_port(), folder / "jackfield.toml"
    config.write_text(CONFIG.format(port=port, more=f"workers = {workers}"))
    out, entrance = os.pipe()
    fcntl.fcntl(entrance, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    line = [sys.executable, "-m", "jackfield", "serve", "--config", str(config)]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with (
        subprocess.Popen(line, stderr=entrance, env=buffered) as process,
        open(out, encoding="utf-8") as stderr,
    ):
        os.close(entrance)
        try:
            yield Running(process, stderr, config, port)
        finally:
            process.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path: Path, workers: int) -> None:
    with running(tmp_path, workers=workers) as gateway:
        gateway.facts("serving on")
        for _ in range(MORE_THAN_IT_HOLDS):
            assert gateway.status_of("/nowhere") == 404
            assert gateway.status_of("/v1/models") == 200
        assert gateway.facts("/v1/models")["status"] == 200
        assert gateway.facts("refused")["error"] == "not_found"
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(10) == 0


def test_a_reload_logs_what_only_a_restart_changes(tmp_path: Path) -> None:
    with running(tmp_path, workers=1) as gateway:
        gateway.facts("serving on")
        more = "max_connections = 7\ndrain_seconds = 5"
        gateway.config.write_text(CONFIG.format(port=gateway.port, more=more))
        gateway.process.send_signal(signal.SIGHUP)
        logged = gateway.facts("restart")["message"]
    keys = "server.drain_seconds, server.max_connections"
    assert logged == f"{keys}: only read at start; restart to change it"


def test_a_stream_asks_proxies_not_to_buffer_it(tmp_path: Path) -> None:
    body = {"model": "demo/echo", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with running(tmp_path, workers=1) as gateway:
        gateway.facts("serving on")
        with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as connection:
            headers = {"content-type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            assert answer.getheader("cache-control") == "no-cache"
            assert answer.getheader("x-accel-buffering") == "no"


def test_a_request_that_is_refused_unread_keeps_its_name(tmp_path: Path) -> None:
    with running(tmp_path, workers=1) as gateway:
        gateway.facts("serving on")
        with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as connection:
            headers = {"x-request-id": "own-1", "content-length": "99999999"}
            connection.request("POST", "/v1/chat/completions", headers=headers)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("x-request-id")) == (413, "own-1")
        assert gateway.facts("refused")["request"] == "own-1"


ENDLESS = """\
import sys, threading, time
from jackfield import _serve
from jackfield._cli.program import main
_serve.LAST_SECONDS = 0.1
threading.Thread(target=time.sleep, args=(1000,), name="endless").start()
sys.exit(main(["serve", "--config", sys.argv[1]]))
"""


def test_a_thread_that_never_ends_keeps_no_process_from_it(tmp_path: Path) -> None:
    config = tmp_path / "jackfield.toml"
    config.write_text(CONFIG.format(port=free_port(), more="drain_seconds = 1"))
    command = [sys.executable, "-c", ENDLESS, str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "serving on" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1
        assert "Timeout" in process.stderr.read()
