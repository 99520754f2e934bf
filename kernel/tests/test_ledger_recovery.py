"""Recovery: whoever does it, however often it is interrupted, and what is kept afterwards."""

import asyncio
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from jackfield._journal.folder import Folder
from jackfield._ledger.recovery import Recovery
from jackfield.journal import Journal
from jackfield.ledger import Ledger, LedgerOptions
from jackfield.store import Account, Balance, Debit, Entry
from jackfield.testing.memory_store import MemoryStore

A = Account("acme", "a")
SEGMENT = 128 << 10
FAST = LedgerOptions(renew_every=0.05, post_every=0.01, recover_every=0.02, segment_bytes=SEGMENT)


def entry(amount: int) -> Entry:
    return Entry("acme", 1.5, b"r", (Debit(A, 0, amount),))


def dead(root: Path, owner: str = "o", *, posted: int = 0, promised: int = 0) -> None:
    """Leave the journal of an owner that died."""
    journal = Journal(root, owner, SEGMENT)
    journal.open_files()
    for _ in range(posted):
        journal.post(entry(1))
    for _ in range(promised):
        journal.promise(entry(10))
    journal.close()


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


async def until(fact: Callable[[], object]) -> None:
    while True:
        if fact():
            return
        await asyncio.sleep(0.005)


def forget(store: MemoryStore) -> None:
    """Have the store lose all that was posted."""
    store._owners.clear()
    store._spent.clear()


async def balance(store: MemoryStore) -> Balance:
    return (await store.balances([(A, 0)]))[0]


async def test_a_ledger_recovers_who_is_dead(tmp_path: Path) -> None:
    dead(tmp_path, posted=3, promised=2)
    store = MemoryStore()
    ledger = Ledger(store, tmp_path, FAST)
    await ledger.start()
    await until(lambda: ledger.recovered)
    assert (ledger.presumed, await balance(store)) == (2, Balance(23, 0))
    await ledger.stop()
    assert names(tmp_path) == ["o@5.closed"]


async def test_the_living_are_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "o", SEGMENT)
    journal.open_files()
    journal.promise(entry(10))
    store = MemoryStore()
    recovery = Recovery(store, tmp_path, SEGMENT)
    await recovery.recover()
    assert (recovery.recovered, await balance(store)) == (0, Balance(0, 0))
    journal.close()


async def test_many_may_recover_at_once(tmp_path: Path) -> None:
    for owner in range(5):
        dead(tmp_path, f"o{owner}", posted=30, promised=3)
    store = MemoryStore()
    crew = [Recovery(store, tmp_path, SEGMENT) for _ in range(4)]
    await asyncio.gather(*(one.recover() for one in crew))
    assert sum(one.recovered for one in crew) == 5
    assert await balance(store) == Balance(5 * (30 + 30), 0)


async def test_what_the_store_has_beyond_a_torn_journal_is_not_numbered_again(
    tmp_path: Path,
) -> None:
    dead(tmp_path, posted=1, promised=1)
    store = MemoryStore()
    await store.post("o", 1, [entry(1), entry(100), entry(100)])
    await Recovery(store, tmp_path, SEGMENT).recover()
    assert await balance(store) == Balance(211, 0)


async def test_lost_postings_do_not_stop_those_behind_them(tmp_path: Path) -> None:
    dead(tmp_path, posted=10)
    _spoil(tmp_path / "o" / "00000001", 300, 20)
    store = MemoryStore()
    recovery = Recovery(store, tmp_path, SEGMENT)
    await recovery.recover()
    assert recovery.damaged == 1
    assert 7 <= (await balance(store)).spent <= 9
    assert names(tmp_path) == ["o@10.closed"]


async def test_what_the_store_lost_of_a_closed_journal_is_posted_again(tmp_path: Path) -> None:
    dead(tmp_path, posted=3, promised=1)
    store = MemoryStore()
    recovery = Recovery(store, tmp_path, SEGMENT)
    await recovery.recover()
    await recovery.review()
    assert (recovery.recovered, await balance(store)) == (1, Balance(13, 0))
    emptied = MemoryStore()
    recovery = Recovery(emptied, tmp_path, SEGMENT)
    await recovery.review()
    assert (recovery.recovered, await balance(emptied)) == (1, Balance(13, 0))
    assert names(tmp_path) == ["o@4.closed"]


async def test_what_the_store_lost_of_the_dead_is_posted_as_soon_as_it_is_missed(
    tmp_path: Path,
) -> None:
    dead(tmp_path, posted=3)
    store = MemoryStore()
    ledger = Ledger(store, tmp_path, FAST)
    await ledger.start()
    ledger.post(entry(1))
    await until(lambda: ledger.recovered and not ledger.unposted)
    forget(store)
    await until(lambda: ledger.recovered == 2)
    await ledger.flush()
    assert await balance(store) == Balance(4, 0)
    await ledger.stop()


async def test_closed_journals_are_deleted_in_the_end(tmp_path: Path) -> None:
    dead(tmp_path, posted=3)
    recovery = Recovery(MemoryStore(), tmp_path, SEGMENT)
    await recovery.recover()
    recovery.forget(60)
    assert names(tmp_path) == ["o@3.closed"]
    os.utime(tmp_path / "o@3.closed" / "lock", (0, 0))
    recovery.forget(60)
    assert names(tmp_path) == []


async def test_a_journal_of_another_release_is_left_as_it_is(tmp_path: Path) -> None:
    dead(tmp_path, posted=1)
    path = tmp_path / "o" / "00000001"
    data = bytearray(path.read_bytes())
    data[8] = 9
    data[108:112] = _checksum(bytes(data[:108]))
    path.write_bytes(data)
    store = MemoryStore()
    await Recovery(store, tmp_path, SEGMENT).recover()
    assert (names(tmp_path), path.read_bytes()) == (["o"], bytes(data))
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    folder.release()


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _spoil(path: Path, at: int, size: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"\xee" * size + data[at + size :])
