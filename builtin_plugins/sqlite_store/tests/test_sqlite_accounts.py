"""Accounts of windows that have passed are forgotten, and no others."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.store import Account, Claim, Debit, Entry, Tally
from jackfield_sqlite_store import SqliteStore, opened
from jackfield_sqlite_store.amounts import MOST

A = Account("s", "a")
DAY = 86_400.0


def change(path: Path, statement: str, *values: float) -> list[tuple[object]]:
    db = sqlite3.connect(path)
    with db:
        found = db.execute(statement, values).fetchall()
    db.close()
    return found


def let_pass(path: Path, seconds: float) -> None:
    """Have what is noted of accounts be so much older."""
    change(path, "UPDATE account SET ends = ends - ?", seconds)


async def spend(store: SqliteStore, number: int, bucket: int, owner: str = "o") -> None:
    await store.post(owner, number, [Entry("s", 0.0, debits=(Debit(A, bucket, 5),))])


async def spent(store: SqliteStore) -> int:
    (balance,) = await store.balances([(A, 0)])
    return balance.spent


def rolling(now: int) -> Claim:
    return Claim(A, 100, 5, 5, now, now - 3600)


def calendar(now: int) -> Claim:
    return Claim(A, 100, 5, 5, now - now % 86_400, now - now % 86_400)


@pytest.mark.parametrize(("claim", "days"), [(rolling, 1.1), (calendar, 400)])
async def test_an_account_goes_when_its_window_is_long_past(
    tmp_path: Path, claim: Callable[[int], Claim], days: float
) -> None:
    async with opened(tmp_path / "store.db") as store:
        wanted = claim(int(await store.time()))
        await store.acquire("o", [wanted], lease=10)
        await spend(store, 1, wanted.bucket)
        let_pass(store.path, (days - 0.1) * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 5
        let_pass(store.path, 0.2 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 0
        assert change(store.path, "SELECT count(*) FROM spent") == [(0,)]
        assert change(store.path, "SELECT count(*) FROM account") == [(0,)]


async def test_what_counts_for_ever_is_never_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        await store.acquire("o", [Claim(A, 100, 5, 5, 0, 0)], lease=10)
        await spend(store, 1, 0)
        await spend(store, 2, 0, owner="o")
        await store.renew("o", lease=10)
        assert change(store.path, "SELECT count(*) FROM account") == [(0,)]
        assert await spent(store) == 10


async def test_what_is_used_again_is_kept_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        now = int(await store.time())
        for number in (1, 2):
            await store.acquire("o", [rolling(now)], lease=10)
            await spend(store, number, now)
            let_pass(store.path, 0.9 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 10


async def test_what_is_held_is_kept_however_old_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        now = int(await store.time())
        await store.acquire("o", [rolling(now)], lease=1000)
        await spend(store, 1, now)
        await store.acquire("o", [rolling(now)], lease=1000)
        let_pass(store.path, 500 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 5


async def test_what_was_never_claimed_is_kept_for_longer_than_any_window(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        now = int(await store.time())
        await spend(store, 1, now)
        let_pass(store.path, 399 * DAY)
        await spend(store, 2, now)
        let_pass(store.path, 399 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 10
        let_pass(store.path, 1.1 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 0


async def test_a_window_that_was_made_longer_keeps_its_account_longer(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        now = int(await store.time())
        await store.acquire("o", [rolling(now)], lease=10)
        await store.acquire("o", [Claim(A, 100, 0, 0, now, now - 30 * 86_400)], lease=10)
        await spend(store, 1, now)
        let_pass(store.path, 60 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 5


async def test_a_file_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        await spend(store, 1, 1_700_000_000)
        await store.post("o", 2, [Entry("s", 0.0, debits=(Debit(Account("s", "ever"), 0, 1),))])
    change(path, "DROP TABLE account")
    change(path, "PRAGMA user_version = 1")
    async with opened(path) as store:
        assert await spent(store) == 5
        assert change(path, "SELECT name FROM account") == [("a",)]
        let_pass(path, 400 * DAY)
        await store.renew("o", lease=10)
        assert await spent(store) == 0
        (ever,) = await store.balances([(Account("s", "ever"), 0)])
        assert ever.spent == 1


async def test_amounts_beyond_all_measure_stop_no_account(tmp_path: Path) -> None:
    huge = Tally("series", 0, "tokens", 10**30)
    async with opened(str(tmp_path / "store.db")) as store:
        for number in range(1, 4):
            entry = Entry("s", 0.0, debits=(Debit(A, 7, 10**30),), tallies=(huge,))
            assert await store.post("o", number, [entry]) == number
        (balance,) = await store.balances([(A, 0)])
        (tally,) = await store.tallies("s", "series", 0, 1)
        assert (balance.spent, tally.amount) == (MOST, MOST)
        await spend(store, 4, 7)
        assert await spent(store) == MOST
