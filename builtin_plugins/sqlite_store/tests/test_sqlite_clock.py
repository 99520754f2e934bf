"""The store's clock: it runs on whatever happens to the wall clock."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield_sqlite_store import clock
from jackfield_sqlite_store.database import open_database

TELL = """
import asyncio, sys, time
from jackfield_sqlite_store import opened
async def tell():
    async with opened(sys.argv[1], deadline=10.0, patience=10.0) as store:
        print(await store.time(), time.time())
asyncio.run(tell())
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    db = open_database(tmp_path / "store.db")
    yield db
    db.close()


def tell(path: Path, step: str) -> tuple[float, float]:
    """What a process says of the store's time and of its wall clock, which is off by a step."""
    environment = {**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    command = ["faketime", "-f", step, sys.executable, "-c", TELL, str(path)]
    output = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    store_time, wall = map(float, output.split())
    return store_time, wall


@pytest.mark.skipif(shutil.which("faketime") is None, reason="run: apt-get install faketime")
def test_a_step_of_the_wall_clock_does_not_move_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    times = []
    for step in ("+0", "+1h", "-1h", "+1d"):
        before = time.time()
        store_time, wall = tell(path, step)
        assert before - 1 < store_time < time.time() + 1
        times.append(store_time)
        assert step == "+0" or abs(wall - store_time) > 3000
    assert times == sorted(times)


def lead_from(db: sqlite3.Connection, ago: float, store_time: float, boot: str) -> float:
    row = (boot, time.clock_gettime(clock.RUNNING) - ago, store_time)
    db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, 1.0)", row)
    return clock.lead(db)


@pytest.mark.parametrize("off", [3600.0, -3600.0, 86400.0, 1.0])
def test_it_is_led_slowly_to_the_wall_clock(db: sqlite3.Connection, off: float) -> None:
    store_time = time.time() + off - 60
    assert lead_from(db, 60, store_time, clock.boot()) == pytest.approx(store_time + 60, abs=0.5)
    (rate,) = db.execute("SELECT rate FROM clock").fetchone()
    assert (rate < 1) == (off > 0)
    assert 0.99 <= rate <= 1.01
    assert clock.now(db) == pytest.approx(store_time + 60, abs=0.5)


def test_a_file_that_nobody_used_for_months_does_not_run_away(db: sqlite3.Connection) -> None:
    idle, behind = 120 * 86400.0, 5.0
    base = time.clock_gettime(clock.RUNNING) - idle
    began = time.time() - idle - behind
    row = (clock.boot(), base, began, 1 + behind / clock.LEAD)
    db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?)", row)
    assert clock.now(db) == pytest.approx(time.time(), abs=1)
    assert clock.lead(db) == pytest.approx(time.time(), abs=1)


def test_it_begins_anew_with_the_machine(db: sqlite3.Connection) -> None:
    wall = time.time()
    assert lead_from(db, 60, wall - 86400, "another boot") == pytest.approx(wall, abs=1)
    assert lead_from(db, -60, wall - 86400, clock.boot()) == pytest.approx(wall, abs=1)


def test_it_never_goes_back_when_the_machine_starts_anew(db: sqlite3.Connection) -> None:
    ahead = time.time() + 3600
    assert lead_from(db, 60, ahead, "another boot") == ahead
