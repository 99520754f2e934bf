"""The journal: what is written is read again, numbered, and bounded by its room."""

from pathlib import Path

import pytest

from jackfield._journal.folder import Folder
from jackfield.journal import Journal
from jackfield.store import Account, Debit, Entry

SEGMENT = 128 << 10
BUDGET = Account("acme", "budget:a")


def entry(amount: int, record: bytes = b"") -> Entry:
    return Entry("acme", 1.5, record, (Debit(BUDGET, 0, amount),))


def opened(root: Path, owner: str = "o") -> Journal:
    journal = Journal(root, owner, SEGMENT)
    journal.open_files()
    return journal


def reopened(root: Path, owner: str = "o") -> Journal:
    folder = Folder.claim(root / owner)
    assert folder is not None
    return Journal.reopen(folder, SEGMENT)


def everything(journal: Journal) -> list[tuple[int, int]]:
    """The numbers and amounts of all postings, as they are read from the files."""
    found: list[tuple[int, int]] = []
    while (after := found[-1][0] if found else 0) < journal.last:
        batch = journal.read(after, journal.last, 7)
        if not batch.entries:
            break
        amounts = [one.debits[0].amount for one in batch.entries]
        found += zip(range(batch.first, batch.last + 1), amounts, strict=True)
    return found


def test_postings_are_numbered_in_their_order(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for amount in range(20):
        journal.post(entry(amount))
    assert journal.last == 20
    assert everything(journal) == [(number, number - 1) for number in range(1, 21)]
    journal.close()


def test_a_posting_takes_the_place_of_its_promise(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    first, second = journal.promise(entry(10)), journal.promise(entry(20))
    journal.post(entry(3), first)
    assert (journal.open, everything(journal)) == (1, [(1, 3)])
    journal.cancel(second)
    assert (journal.open, everything(journal)) == (0, [(1, 3)])
    journal.close()


def test_a_promise_is_taken_back_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    number = journal.promise(entry(10))
    journal.post(entry(3), number)
    with pytest.raises(ValueError, match="is not open"):
        journal.post(entry(3), number)
    with pytest.raises(ValueError, match="is not open"):
        journal.cancel(number)
    journal.close()


def test_what_a_dead_owner_promised_is_posted(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.post(entry(1))
    kept, posted, void = (journal.promise(entry(amount)) for amount in (10, 20, 30))
    journal.post(entry(2), posted)
    journal.cancel(void)
    assert kept
    journal.close()
    heir = reopened(tmp_path)
    assert (heir.last, heir.open) == (2, 1)
    assert heir.keep_promises() == 1
    assert everything(heir) == [(1, 1), (2, 2), (3, 10)]
    heir.close()
    again = reopened(tmp_path)
    assert (again.last, again.open) == (3, 0)
    again.close()


def test_promises_are_found_in_older_segments(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.promise(entry(10))
    _fill(journal, segments=4)
    last = journal.last
    journal.close()
    heir = reopened(tmp_path)
    assert (heir.last, heir.keep_promises()) == (last, 1)
    assert [number for number, _ in everything(heir)] == list(range(1, last + 2))
    heir.close()


def test_the_folder_of_the_living_cannot_be_claimed(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert Folder.claim(tmp_path / "o") is None
    journal.close()
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    assert Folder.claim(tmp_path / "o") is None
    folder.release()


def test_old_segments_are_forgotten_when_nobody_needs_them(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    _fill(journal, segments=4)
    assert journal.forget(0, 0) == 0
    journal.confirm(journal.last)
    assert journal.forget(86_400, 1 << 30) == 0
    assert journal.forget(86_400, 2 * SEGMENT) == 2
    assert journal.forget(0, 1 << 30) == 1
    assert journal.read(0, journal.last, 10).first > 1
    assert len(everything(journal)) < journal.last
    journal.close()


def test_a_segment_with_an_open_promise_is_kept(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    _fill(journal, segments=2)
    number = journal.promise(entry(1))
    _fill(journal, segments=5)
    journal.confirm(journal.last)
    assert journal.forget(0, 0) == 1
    journal.cancel(number)
    assert journal.forget(0, 0) == 3
    journal.close()


def test_postings_beyond_memory_are_read_from_the_files(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for amount in range(2_500):
        journal.post(entry(amount))
    assert journal.take(0, 2_500, 10) is None
    assert journal.unposted() is None
    batch = journal.take(2_490, 2_500, 500)
    assert batch is not None
    assert [one.debits[0].amount for one in batch.entries] == list(range(2_490, 2_500))
    assert len(everything(journal)) == 2_500
    journal.close()


def test_an_entry_that_is_too_long_is_refused(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    with pytest.raises(ValueError, match="bytes in the journal"):
        journal.post(entry(1, b"x" * (64 << 10)))
    with pytest.raises(ValueError, match="bytes in the journal"):
        journal.promise(entry(1, b"x" * (64 << 10)))
    assert (journal.last, journal.open) == (0, 0)
    journal.close()


def test_a_journal_that_is_done_takes_no_more_room_than_it_needs(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.post(entry(1))
    journal.close(done=True)
    folder = tmp_path / "o@1.closed"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000


def test_a_journal_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    opened(tmp_path).close(done=True)
    assert list(tmp_path.iterdir()) == []


def _fill(journal: Journal, segments: int) -> None:
    while len(list((journal.root / journal.owner).glob("0*"))) < segments:
        journal.tend()
        for _ in range(10):
            journal.post(entry(1, b"x" * 200))
