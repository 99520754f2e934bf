"""Damaged journals: whatever comes after a tear, nothing before it is lost, and nothing raises."""

import logging
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield._journal.folder import Folder
from jackfield._journal.records import POST, Record, encode, scan
from jackfield.journal import Journal
from jackfield.store import Account, Debit, Entry

SEED = 7
PAYLOADS = [bytes([index]) * (index % 97) for index in range(1, 60)]
RECORDS = [encode(SEED, POST, number, 0, load) for number, load in enumerate(PAYLOADS, 1)]
WHOLE = b"".join(RECORDS)
ENDS = [sum(map(len, RECORDS[: count + 1])) for count in range(len(RECORDS))]


def numbers(path: Path, data: bytes) -> list[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.ftruncate(file, len(data))
        os.pwrite(file, data, 0)
        found = list(scan(file, SEED, 0))
    finally:
        os.close(file)
    return [item.number for item in found if isinstance(item, Record)]


def test_ten_thousand_tears_lose_nothing_before_them(tmp_path: Path) -> None:
    chance = random.Random(20260801)  # noqa: S311 - the same tears each time
    for _ in range(10_000):
        cut = chance.randrange(len(WHOLE) + 1)
        garbage = chance.randbytes(chance.choice((0, 0, 5, 400)))
        whole = sum(end <= cut for end in ENDS)
        found = numbers(tmp_path / "f", WHOLE[:cut] + garbage)
        assert found == list(range(1, whole + 1))


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_a_tear_with_pieces_of_records_behind_it_is_the_end(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(WHOLE)))
    stale = encode(SEED + 1, POST, 99, 0, b"of another file")
    rest = data.draw(st.lists(st.sampled_from([b"\xf1JF\n", stale, b"\xff\0" * 9, WHOLE[:20]])))
    whole = sum(end <= cut for end in ENDS)
    path = tmp_path_factory.getbasetemp() / "pieces"
    found = numbers(path, WHOLE[:cut] + b"".join(rest))
    assert found == list(range(1, whole + 1))


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=300))
@settings(max_examples=500, deadline=None)
def test_reading_goes_on_behind_damage(
    tmp_path_factory: pytest.TempPathFactory, at: int, rubbish: bytes
) -> None:
    data = WHOLE[:at] + rubbish + WHOLE[at + len(rubbish) :]
    starts = [0, *ENDS]
    untouched = [
        number
        for number in range(1, len(RECORDS) + 1)
        if ENDS[number - 1] <= at or starts[number - 1] >= at + len(rubbish)
    ]
    path = tmp_path_factory.getbasetemp() / "damage"
    assert set(untouched) <= set(numbers(path, data))


def test_records_over_many_windows_are_found_behind_damage(tmp_path: Path) -> None:
    records = [encode(SEED, POST, number, 0, bytes(40_000)) for number in range(1, 120)]
    data = bytearray(b"".join(records))
    hole = slice(len(records[0]) * 20 + 11, len(records[0]) * 60 + 5)
    data[hole] = bytes(hole.stop - hole.start)
    assert numbers(tmp_path / "f", bytes(data)) == [*range(1, 21), *range(62, 120)]


def entry(amount: int) -> Entry:
    return Entry("acme", 1.5, b"", (Debit(Account("acme", "a"), 0, amount),))


def written(root: Path, count: int) -> Path:
    journal = Journal(root, "o", 128 << 10)
    journal.open_files()
    for amount in range(1, count + 1):
        journal.post(entry(amount))
    journal.close()
    return root / "o" / "00000001"


def test_a_journal_goes_on_behind_a_torn_record(tmp_path: Path) -> None:
    path = written(tmp_path, 10)
    data = path.read_bytes()
    end = len(data.rstrip(b"\0"))
    path.write_bytes(data[: end - 3] + b"\xff" * 50 + bytes(len(data) - end - 47))
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    journal = Journal.reopen(folder)
    assert (journal.last, journal.damaged) == (9, 0)
    journal.post(entry(77))
    assert [one.debits[0].amount for one in journal.read(8, 10, 9).entries] == [9, 77]
    assert journal.damaged == 0
    journal.close()


def test_damage_in_the_middle_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, 10)
    _spoil(path, b"\x05")
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    with caplog.at_level(logging.ERROR):
        journal = Journal.reopen(folder)
        before, behind = journal.read(0, 10, 99), journal.read(4, 10, 99)
    assert (before.first, before.last, behind.first, behind.last) == (1, 4, 6, 10)
    assert journal.damaged == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "is damaged" in caplog.text
    journal.close()


def test_a_damaged_head_costs_no_record(tmp_path: Path) -> None:
    path = written(tmp_path, 10)
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"\xff" * 100, 0)
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    journal = Journal.reopen(folder)
    assert (journal.last, journal.read(0, 10, 99).last) == (10, 10)
    journal.close()


def _spoil(path: Path, amount: bytes) -> None:
    """Change the amount in one record."""
    data = path.read_bytes()
    at = data.index(b"\x00" + amount, 128) + 1
    path.write_bytes(data[:at] + b"\x66" + data[at + 1 :])
