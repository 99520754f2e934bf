"""Processes that are killed at any moment: what was confirmed is there, and nothing twice."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest

from jackfield.store import Account, Balance, Tally
from jackfield_sqlite_store import opened

POSTER = Path(__file__).with_name("poster.py")
random = Random(5)  # noqa: S311 - no secret


async def killed(path: Path, owner: str, lines: int) -> tuple[int, int]:
    """Kill a process after so many lines: the last number that it posted, and what it acquired."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, POSTER, path, owner, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    seen = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest = (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    words = [line.split() for line in seen + rest if line.endswith(b"\n")]
    posted = [int(number) for word, number in words if word == b"posted"]
    return max(posted, default=0), sum(word == b"acquired" for word, _ in words)


async def kill_again_and_again(path: Path, times: int) -> None:
    confirmed, acquired = {"o": 0, "p": 0}, 0
    for _ in range(times):
        kills = [killed(path, owner, random.randint(1, 60)) for owner in confirmed]
        for owner, (last, more) in zip(confirmed, await asyncio.gather(*kills), strict=True):
            confirmed[owner] = max(confirmed[owner], last)
            acquired += more
        await check(path, confirmed, acquired)


async def check(path: Path, confirmed: dict[str, int], acquired: int) -> None:
    async with opened(path, deadline=10.0, patience=10.0) as store:
        posted = [(await store.renew(owner, lease=3600)).posted for owner in confirmed]
        spent, held = await store.balances([(Account("s", name), 0) for name in ("spent", "held")])
        tallies = await store.tallies("s", "posted", 0, 1)
    assert all(found >= due for found, due in zip(posted, confirmed.values(), strict=True))
    assert spent == Balance(sum(posted), 0)
    assert tallies == [Tally("posted", 0, "n", sum(posted))]
    assert held.held >= acquired
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(DISTINCT data), count(*) FROM record").fetchone() == (
        max(posted),
        sum(posted),
    )
    db.close()


async def test_killed_processes_leave_what_they_confirmed(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "store.db", 3)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_killed_processes_leave_what_they_confirmed(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "store.db", 25)
