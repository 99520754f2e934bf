"""A wall clock that jumps: windows go by the store's time, durations by a clock that does not."""

import asyncio
import subprocess
from pathlib import Path

import msgspec
import pytest
from attrs import frozen
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import serving
from tests.faults.spending import COST, Callers, equality, spending

from jackfield.store import Store
from jackfield_sqlite_store import opened

pytestmark = pytest.mark.timeout(120)
JUMPS = ("+1h", "-1h", "+1d", "-1d", "+0")
STATE = "[plugins.sqlite_store]\n"
STORE = Path("jackfield-state/store.db")


@frozen
class Clock:
    """The wall clock of the processes that are started with it."""

    file: Path

    @classmethod
    def of(cls, folder: Path, environment: pytest.MonkeyPatch) -> "Clock":
        """A clock for all that is started from now on."""
        found = subprocess.run(
            ["faketime", "now", "printenv", "LD_PRELOAD"],  # noqa: S607 - wherever it is
            capture_output=True,
            text=True,
            check=True,
        )
        clock = cls(folder / "clock")
        clock.jump("+0")
        environment.setenv("LD_PRELOAD", found.stdout.strip())
        environment.setenv("FAKETIME_TIMESTAMP_FILE", str(clock.file))
        environment.setenv("FAKETIME_NO_CACHE", "1")
        environment.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        return clock

    def jump(self, offset: str) -> None:
        """Show a time so far from the true one."""
        new = self.file.with_suffix(".new")
        new.write_text(offset)
        new.rename(self.file)


async def jump_about(folder: Path, clock: Clock, count: int) -> tuple[Callers, int, float]:
    """Ask between jumps until the limit of an hour is reached.

    By how much that was missed, and the shortest duration that was recorded.
    """
    limit = COST * count
    async with Faultd() as upstream:
        toml = spending(upstream, limit, STATE, window="1h")
        async with serving(folder, toml) as gateway, opened(folder / STORE) as store:
            callers = Callers(gateway)
            for jump in JUMPS:
                clock.jump(jump)
                await callers.send(count // len(JUMPS) - 1)
            await callers.until(429)
            clock.jump("+1d")
            await callers.send(4)
            return callers, await equality(store, upstream) - limit, await shortest(store)


async def shortest(store: Store) -> float:
    """The shortest duration of a recorded exchange."""
    records = [r for scope in await store.scopes() for r in await store.records(scope, 0, 2**40)]
    return min(float(msgspec.json.decode(one.data).get("seconds", 0)) for one in records)


async def test_jumps_of_the_clock_neither_refuse_nor_give_anything(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = await asyncio.to_thread(Clock.of, directory, monkeypatch)
    callers, off, seconds = await jump_about(directory, clock, 60)
    assert (callers.hanging, callers.odd, off) == (0, [], 0)
    assert seconds >= 0


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_five_thousand_requests_between_jumps_of_the_clock(
    directory: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    row = figures.of("clock jumps", 5_000)
    clock = await asyncio.to_thread(Clock.of, directory, monkeypatch)
    callers, off, seconds = await jump_about(directory, clock, 5_000)
    row.at_most(0, callers.hanging, "requests that hang")
    row.at_most(0, len(callers.odd), "answers that are no answer")
    row.at_most(0, abs(off), "tokens that the limit was missed by")
    row.at_least(0, seconds, "s, the shortest duration")
