"""The file: how it is made, and which files are refused."""

import asyncio
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from jackfield.errors import ConfigError
from jackfield.store import Entry, StoreUnavailable
from jackfield_sqlite_store import opened
from jackfield_sqlite_store.database import open_database

VISITOR = Path(__file__).with_name("visitor.py")


async def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        async with opened(path, patience=0.1):
            pass
    (line,) = error.value.problems
    assert line.startswith(f"plugins.sqlite_store.path: {path}")
    return line


async def test_a_new_file_and_its_directory_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "store.db"
    async with opened(path) as store:
        await store.put("s", "k", b"1")
        assert path.parent.stat().st_mode & 0o777 == 0o700
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["store.db", "store.db-shm", "store.db-wal"]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_processes_that_create_the_file_at_once_share_it(tmp_path: Path) -> None:
    def open_and_close(path: Path, ready: threading.Barrier) -> None:
        ready.wait()
        open_database(path).close()

    with ThreadPoolExecutor(8) as threads:
        for number in range(40):
            ready = threading.Barrier(8)
            path = tmp_path / f"{number}.db"
            for done in [threads.submit(open_and_close, path, ready) for _ in range(8)]:
                done.result()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("a letter, much longer than the head of a database" * 100)
    assert "is no SQLite database; name another file" in await problem(path)
    assert path.read_text().startswith("a letter")


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE other (id)")
    other.close()
    assert "is a database of another program" in await problem(path)


async def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path):
        pass
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    assert "version 99" in await problem(path)
    assert "upgrade jackfield-sqlite-store" in await problem(path)


async def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert "unable to open database file" in await problem(file / "store.db")
    assert "Is a directory" in await problem(tmp_path)


async def test_an_empty_file_becomes_the_database(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    async with opened(path) as store:
        assert await store.put("s", "k", b"1") == 1


async def test_who_leaves_does_not_take_the_log_along(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    log = tmp_path / "store.db-wal"
    async with opened(path) as one:
        await one.put("s", "k", b"1")
        before = log.stat().st_ino
        for name in ("first", "second"):
            visitor = await asyncio.create_subprocess_exec(sys.executable, VISITOR, path, name)
            assert await visitor.wait() == 0
        assert log.stat().st_ino == before
        assert [value.key for value in await one.scan("visitors")] == ["first", "second"]
        async with opened(path) as other:
            assert await other.get("s", "k") == await one.get("s", "k")


async def test_what_is_committed_comes_into_the_file_without_another_commit(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        await store.put("s", "k", bytes(1 << 20))
        while path.stat().st_size < 1 << 20:
            await store.time()


async def test_a_file_that_is_replaced_while_it_is_in_use_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(tmp_path / "copy.db") as other:
        await other.put("s", "k", b"of the copy")
    async with opened(path) as store:
        await store.put("s", "k", b"1")
        path.rename(tmp_path / "kept.db")
        (tmp_path / "copy.db").rename(path)
        for call in (store.put("s", "k", b"2"), store.get("s", "k")):
            with pytest.raises(StoreUnavailable):
                await call
        assert "another file): put it back" in str(await store.health())
        (tmp_path / "kept.db").rename(path)
        assert await store.health() is None
        assert await store.put("s", "k", b"2") == 2


async def test_a_file_that_is_removed_while_it_is_in_use_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        path.unlink()
        with pytest.raises(StoreUnavailable):
            await store.put("s", "k", b"1")
        assert "No such file or directory): put it back" in str(await store.health())
        assert not path.exists()


async def test_a_backup_is_put_back_while_the_store_is_open(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as store:
        await store.post("o", 1, [Entry("s", 0.0, b"kept")])
        with (
            closing(sqlite3.connect(store.path)) as db,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            db.backup(copy)
            await store.post("o", 2, [Entry("s", 0.0, b"lost")])
            copy.backup(db)
        assert (await store.renew("o", lease=1)).posted == 1
        assert await store.health() is None


async def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        await store.put("s", "k", b"1")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 16 * 4096)
    assert "malformed; put a backup in its place" in await problem(path)
