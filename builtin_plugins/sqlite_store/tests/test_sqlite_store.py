"""The store keeps every promise of the protocol, and its file small."""

import sqlite3
from pathlib import Path

import pytest

from jackfield.store import Account, Claim, Debit, Entry
from jackfield.testing.stores import PROMISES, Promise, Site
from jackfield_sqlite_store import opened


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = str(tmp_path / "state" / "store.db")
    return Site("jackfield_sqlite_store:opened", path, {"deadline": 10.0, "patience": 10.0})


@pytest.mark.timeout(120)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_store_keeps(promise: Promise, site: Site) -> None:
    await promise(site)


def rows(path: Path, table: str) -> int:
    db = sqlite3.connect(path)
    (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    db.close()
    return int(count)


async def test_spending_from_long_before_the_window_is_forgotten(tmp_path: Path) -> None:
    account = Account("s", "a")
    async with opened(tmp_path / "store.db") as store:
        now = int(await store.time())
        debits = [Debit(account, now - ago, 1) for ago in (90, 3000, 30_000, 300_000)]
        await store.post("o", 1, [Entry("s", 0.0, debits=tuple(debits))])
        await store.acquire("o", [Claim(account, 10, 1, 1, now, now - 60)], lease=10)
        assert rows(store.path, "spent") == 2


async def test_what_is_no_longer_held_leaves_nothing(tmp_path: Path) -> None:
    account = Account("s", "a")
    async with opened(tmp_path / "store.db") as store:
        await store.restate("o", {account: 5}, lease=10)
        await store.give_back("o", {account: 5})
        assert rows(store.path, "hold") == 0


async def test_values_that_have_run_out_leave_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        await store.put("s", "gone", b"1", ttl=0)
        await store.put("s", "kept", b"1")
        assert rows(store.path, "value") == 1
