"""The counts of several processes, added up."""

import asyncio
import os
import signal
import subprocess
import sys
from math import inf
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.faults.gateway import serving

from jackfield_metrics.families import Family, Sample, added, decode, encode
from jackfield_metrics.shared_file import SharedFile

TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
workers = 2
state_dir = "state"
[providers.demo]
[plugins.metrics]
"""
REQUESTS = "jackfield_requests_total"


def requests(count: float, status: str = "200") -> Family:
    samples = (Sample("requests_total", (("status", status),), count),)
    return Family("requests", "Requests.", "counter", samples)


def in_flight(count: float) -> Family:
    return Family("in_flight", "Requests now.", "gauge", (Sample("in_flight", (), count),))


def values(families: list[Family]) -> dict[str, float]:
    return {
        " ".join([sample.name, *(value for _, value in sample.labels)]): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_counts_of_all_processes_are_added(tmp_path: Path) -> None:
    first, second = SharedFile(tmp_path / "m"), SharedFile(tmp_path / "m")
    second.write([requests(2), requests(1, "404"), in_flight(1)])
    total = first.total([requests(3), in_flight(2)])
    assert values(total) == {"requests_total 200": 5, "requests_total 404": 1, "in_flight": 3}


def test_counters_go_on_after_a_restart_and_gauges_do_not(tmp_path: Path) -> None:
    stopped = SharedFile(tmp_path / "m")
    stopped.close([requests(7), in_flight(1)])
    again = SharedFile(tmp_path / "m")
    assert values(again.total([requests(1), in_flight(0)])) == {
        "requests_total 200": 8,
        "in_flight": 0,
    }
    again.close([requests(1)])
    assert values(SharedFile(tmp_path / "m").total([])) == {"requests_total 200": 8}


UNREADABLE = {
    "another release's": b'{"a format": "of another release"}',
    "empty": b"",
    "cut": encode([requests(7)])[:-3],
    "no UTF-8": encode([requests(7)]).replace(b"requests_total", b"requests_tota\xff"),
    "an unknown type": encode([requests(7)]).replace(b"counter", b"kounter"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_counts_nothing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "m").mkdir()
    for name in ("0", "1"):  # one of its own, and one of another process
        (tmp_path / "m" / f"{name}.msgpack").write_bytes(UNREADABLE[kind])
    assert values(SharedFile(tmp_path / "m").total([requests(1)])) == {"requests_total 200": 1}


def test_a_gauge_may_be_infinite(tmp_path: Path) -> None:
    first, second = SharedFile(tmp_path / "m"), SharedFile(tmp_path / "m")
    second.write([requests(2), in_flight(inf)])
    assert values(first.total([])) == {"requests_total 200": 2, "in_flight": inf}


WRITING = """
import sys
from pathlib import Path
from jackfield_metrics.families import Family, Sample
from jackfield_metrics.shared_file import SharedFile
gauge = Family("in_flight", "", "gauge", (Sample("in_flight", (), 3.0),))
SharedFile(Path(sys.argv[1])).write([gauge])
"""


def test_requests_of_a_process_that_has_died_are_no_longer_in_flight(tmp_path: Path) -> None:
    first = SharedFile(tmp_path / "m")
    subprocess.run([sys.executable, "-c", WRITING, tmp_path / "m"], check=True)
    assert values(first.total([in_flight(1)])) == {"in_flight": 1}


def test_nothing_is_written_once_a_file_is_closed(tmp_path: Path) -> None:
    stopped = SharedFile(tmp_path / "m")
    stopped.close([requests(7)])
    stopped.write([requests(6), in_flight(1)])  # a write that began before, and comes late
    assert values(SharedFile(tmp_path / "m").total([])) == {"requests_total 200": 7}


def written(folder: Path) -> float:
    """How many requests the files of all processes count together."""
    families = [one for path in folder.glob("*.msgpack") for one in decode(path.read_bytes())]
    return sum(v for name, v in values(added(families)).items() if REQUESTS in name)


async def ask(http: httpx.AsyncClient, number: int) -> None:
    body = {"model": "demo/chat", "messages": [{"role": "user", "content": "Hello"}]}
    for _ in range(number):
        (await http.post("/v1/chat/completions", json=body)).raise_for_status()


def workers_of(pid: int) -> list[int]:
    """The processes that a supervisor has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_no_request_is_lost_with_a_worker_that_dies(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "metrics"
    limits = httpx.Limits(max_keepalive_connections=0)  # so that every worker gets some
    async with (
        serving(tmp_path, TOML) as gateway,
        httpx.AsyncClient(base_url=gateway.url, limits=limits) as http,
    ):
        await ask(http, 40)
        while written(folder) < 40:  # noqa: ASYNC110 - other processes write it
            await asyncio.sleep(0.05)
        os.kill(workers_of(gateway.pid)[0], signal.SIGKILL)
        await gateway.logged("ended with exit code")
        await ask(http, 2)
        while written(folder) < 42:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        text = (await http.get("/metrics")).text
    found = {metric.name: metric for metric in text_string_to_metric_families(text)}
    assert sum(one.value for one in found["jackfield_requests"].samples) == 42
