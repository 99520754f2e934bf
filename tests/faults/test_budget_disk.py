"""A disk that is full: what cannot be written down is not served, and all mends itself."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, serving
from tests.faults.spending import COST, Callers, Passed, equality, pass_through, spending

from jackfield_sqlite_store import opened

pytestmark = pytest.mark.timeout(120)
STATE = "[plugins.sqlite_store]\n"
STORE = Path("jackfield-state/store.db")
NO_SEGMENT = 4_000_000
"""Bytes to which a file can grow: enough for the store, too few for a segment of the journal."""


def limit_files(gateway: GatewayProcess, size: int) -> None:
    """Let none of its files grow beyond a size, as on a disk that is full."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """What is started inside the block can write small files alone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def fill_up(folder: Path, count: int) -> Passed:
    """What becomes of requests while the disk is full, under a limit of as many."""
    async with Faultd() as upstream:
        toml = spending(upstream, COST * count, STATE)
        async with serving(folder, toml) as gateway, opened(folder / STORE) as store:
            fill = partial(limit_files, gateway, 0)
            empty = partial(limit_files, gateway, resource.RLIM_INFINITY)
            callers, meanwhile = await pass_through(gateway, count, fill, empty)
            off = await equality(store, upstream) - COST * count
    return Passed(callers, meanwhile, off)


async def test_what_is_served_on_a_full_disk_is_recorded_when_there_is_room(
    directory: Path,
) -> None:
    passed = await fill_up(directory, 60)
    passed.check()


async def test_a_gateway_that_has_no_journal_serves_nothing_until_it_has(directory: Path) -> None:
    async with Faultd() as upstream:
        toml = spending(upstream, COST * 20, STATE)
        with small_files(NO_SEGMENT):
            starting = serving(directory, toml)
            gateway = await starting.__aenter__()
        try:
            callers = Callers(gateway)
            refused = await callers.send(20)
            assert {(view.status, b"journal_unavailable" in view.body) for view in refused} == {
                (503, True)
            }
            assert not upstream.ledger.records
            limit_files(gateway, resource.RLIM_INFINITY)
            await callers.until(200)
            async with opened(directory / STORE) as store:
                await callers.until(429)
                assert await equality(store, upstream) == COST * 20
        finally:
            await starting.__aexit__(None, None, None)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_five_thousand_requests_on_a_full_disk(directory: Path, figures: Figures) -> None:
    passed = await fill_up(directory, 5_000)
    passed.judge(figures.of("disk full", 5_000))
