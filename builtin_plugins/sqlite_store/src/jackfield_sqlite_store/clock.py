"""The store's clock: the machine's uptime, slowly adjusted to its wall clock."""

import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import Final

RUNNING: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
FASTEST: Final = 0.01
"""Maximum relative deviation of the clock's speed from the machine's uptime."""
LEAD: Final = 600.0
"""Seconds in which a small difference from the wall clock is corrected."""
STALE: Final = 10.0
"""Seconds between measurements of the difference."""


@cache
def boot() -> str:
    """An id of this boot of the machine; empty if the system has none."""
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else ""


def now(db: sqlite3.Connection) -> float:
    """The time, the same in all processes. For read-only transactions."""
    running = time.clock_gettime(RUNNING)
    row = db.execute("SELECT base, time, rate FROM clock").fetchone()
    base, store_time, rate = row or (running, time.time(), 1.0)
    return _advanced(store_time, running - base, rate)


def lead(db: sqlite3.Connection) -> float:
    """The time; adjusts the clock now and then. For writing transactions.

    It starts from the wall clock, also after each reboot of the machine, but never before a time
    that it has already returned.
    """
    running, wall = time.clock_gettime(RUNNING), time.time()
    row = db.execute("SELECT boot, base, time, rate FROM clock").fetchone()
    if row is None:
        store_time, rate = wall, 1.0
    elif row[0] != boot() or running < row[1]:
        store_time, rate = max(wall, row[2]), 1.0
    else:
        store_time = _advanced(row[2], running - row[1], row[3])
        if running - row[1] < STALE:
            return store_time
        rate = 1 + max(-FASTEST, min(FASTEST, (wall - store_time) / LEAD))
    db.execute(
        "INSERT INTO clock VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET boot = excluded.boot,"
        " base = excluded.base, time = excluded.time, rate = excluded.rate",
        (boot(), running, store_time, rate),
    )
    return float(store_time)


def _advanced(store_time: float, seconds: float, rate: float) -> float:
    """The time that many seconds later; its speed is adjusted for no longer than `LEAD`.

    By then the difference is gone, and the file may not have been written to for months.
    """
    return float(store_time + seconds + min(seconds, LEAD) * (rate - 1))
