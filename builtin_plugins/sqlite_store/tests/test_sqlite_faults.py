"""What goes wrong with the file while the store is open, and how it comes back."""

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from jackfield.store import Account, Claim, StoreUnavailable
from jackfield_sqlite_store import opened

FULL_DISK = Path(__file__).with_name("full_disk.py")


async def test_a_locked_file_is_not_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db", deadline=0.5, patience=0.5) as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await store.put("s", "k", b"1")
        assert await store.get("s", "k") is None
        assert "did not answer within" in str(await store.health())
        other.execute("ROLLBACK")
        other.close()
        while await store.health():
            pass
        assert await store.put("s", "k", b"2", expect=0) == 1


async def test_what_is_wrong_is_logged_once_in_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path / "store.db") as store:
        store.path.rename(tmp_path / "moved.db")
        for call in (store.put("s", "k", b"1"), store.put("s", "k", b"1"), store.get("s", "k")):
            with pytest.raises(StoreUnavailable):
                await call
        (message,) = caplog.messages
        assert "the store cannot be used" in message
        assert "removed or replaced" in message


async def test_the_end_of_a_problem_is_logged_as_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with opened(tmp_path / "store.db") as store:
        moved = store.path.rename(tmp_path / "moved.db")
        for call in (store.put("s", "k", b"1"), store.get("s", "k")):
            with pytest.raises(StoreUnavailable):
                await call
        moved.rename(store.path)
        await store.get("s", "k")
        assert "the store can be used again" not in caplog.messages
        await store.put("s", "k", b"1")
        assert caplog.messages[-1] == "the store can be used again"


async def test_the_event_loop_goes_on_while_the_file_is_locked(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db", deadline=10.0) as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        put = asyncio.ensure_future(store.put("s", "k", b"1"))
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not put.done()
        other.execute("ROLLBACK")
        other.close()
        assert await put == 1


async def test_what_nobody_waits_for_any_more_is_not_done(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        calls = [asyncio.ensure_future(store.put("s", f"{n}", b"1")) for n in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.wait(calls)
        assert [value.key for value in await store.scan("s")] == ["0", "2"]


async def test_one_call_of_a_commit_that_fails_leaves_the_others(tmp_path: Path) -> None:
    account = Account("s", "a")
    async with opened(tmp_path / "store.db") as store:
        await store.put("s", "k", b"1")
        claim = Claim(account, 10, 10, 10, 0, 0)
        conflict, given, number = await asyncio.gather(
            store.put("s", "k", b"2", expect=0),
            store.acquire("o", [claim], lease=10),
            store.put("s", "other", b"3"),
            return_exceptions=True,
        )
        assert type(conflict).__name__ == "Conflict"
        assert (getattr(given, "granted", None), number) == ((10,), 1)


async def test_a_store_that_was_closed_refuses(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        pass
    with pytest.raises(StoreUnavailable):
        await store.get("s", "k")


async def test_a_full_disk_refuses_and_is_recovered_from(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, FULL_DISK, tmp_path / "store.db", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    report = json.loads(output)
    assert report["refused"] > 0
    assert report["health"].startswith(str(tmp_path))
    assert "full" in report["health"] or "I/O" in report["health"]
    assert report["health_after"] is None
    assert report["kept"] == report["confirmed"] == report["spent"]
