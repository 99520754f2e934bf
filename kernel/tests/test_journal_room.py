"""The journal's room: what is promised fits, what would not fit is refused, and room comes back."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield._journal.folder import Folder
from jackfield.journal import Journal, JournalUnavailable
from jackfield.store import Account, Debit, Entry

SEGMENT = 128 << 10


def entry(size: int = 200) -> Entry:
    return Entry("acme", 1.5, b"x" * size, (Debit(Account("acme", "a"), 0, 1),))


def opened(root: Path) -> Journal:
    journal = Journal(root, "o", SEGMENT)
    journal.open_files()
    return journal


def promise_all(journal: Journal) -> list[int]:
    """Promise until it is refused."""
    promises = []
    while True:
        try:
            promises.append(journal.promise(entry()))
        except JournalUnavailable:
            return promises


@pytest.fixture
def full_disk() -> Iterator[Callable[[bool], None]]:
    """Have no file grow to the length of a segment, or have it grow again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def switch(full: bool) -> None:
        soft = SEGMENT // 2 if full else before[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, before[1]))

    yield switch
    switch(False)


def test_what_is_promised_can_be_posted_when_the_disk_is_full(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    full_disk(True)
    promises = promise_all(journal)
    with pytest.raises(JournalUnavailable) as refused:
        journal.promise(entry())
    assert (refused.value.http_status, refused.value.code) == (503, "journal_unavailable")
    assert len(promises) > 30
    assert journal.full
    for number in promises:
        journal.post(entry(1_200), number)
    assert (journal.last, journal.open) == (len(promises), 0)
    journal.close()


def test_what_a_dead_owner_promised_fits_on_a_full_disk(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    full_disk(True)
    promises = promise_all(journal)
    journal.close()
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    heir = Journal.reopen(folder, SEGMENT)
    assert heir.keep_promises() == len(promises)
    heir.close()


def test_a_posting_that_was_not_promised_is_refused_when_there_is_no_room(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    full_disk(True)
    promise_all(journal)
    with pytest.raises(JournalUnavailable):
        journal.post(entry(2_000))
    journal.close()


def test_a_posting_longer_than_its_promise_is_written_when_there_is_room(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    full_disk(True)
    promises = promise_all(journal)
    journal.post(entry(30_000), promises[0])
    assert (journal.last, journal.open) == (0, len(promises))
    assert journal.unposted() == [entry(30_000)]
    full_disk(False)
    _tend_until(journal, lambda: journal.last == 1)
    assert journal.open == len(promises) - 1
    journal.close()


def test_as_much_is_promised_as_the_disk_has_room_for(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    promises = [journal.promise(entry()) for _ in range(1_000)]
    for number in promises:
        journal.post(entry(1_200), number)
    assert (journal.last, journal.full) == (1_000, False)
    journal.close()


def test_promises_are_taken_again_when_there_is_room(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    full_disk(True)
    promise_all(journal)
    full_disk(False)
    _tend_until(journal, lambda: not journal.full)
    journal.cancel(journal.promise(entry()))
    journal.close()


def test_a_full_disk_is_no_error_while_there_is_room_left(
    tmp_path: Path, full_disk: Callable[[bool], None], caplog: pytest.LogCaptureFixture
) -> None:
    journal = opened(tmp_path)
    journal.post(entry())  # into the segment that was allocated ahead: there is no other
    full_disk(True)
    for _ in range(5):
        journal.tend()
    assert (journal.full, caplog.messages) == (False, [])
    assert promise_all(journal)
    assert journal.full
    assert "cannot be written" in caplog.text
    journal.close()


def test_a_full_disk_costs_old_segments_before_new_promises(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    journal = opened(tmp_path)
    while len(list((tmp_path / "o").glob("0*"))) < 3:
        journal.tend()
        journal.post(entry())
    journal.confirm(journal.last)
    full_disk(True)
    promise_all(journal)
    assert len(list((tmp_path / "o").glob("0*"))) <= 2
    journal.close()


def test_a_gateway_starts_on_a_full_disk_and_mends_itself(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    full_disk(True)
    journal = opened(tmp_path)
    assert promise_all(journal) == []
    full_disk(False)
    _tend_until(journal, lambda: not journal.full)
    assert journal.promise(entry()) == 1
    journal.close()


def _tend_until(journal: Journal, mended: Callable[[], bool]) -> None:
    while not mended():
        journal.tend()
