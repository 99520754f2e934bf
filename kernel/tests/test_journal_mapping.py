"""A file system that may run out of allocated space is written by calls, which only fail."""

import os
from pathlib import Path

import pytest

from jackfield._journal import mapping
from jackfield._journal.folder import Folder
from jackfield.journal import Journal, JournalUnavailable
from jackfield.store import Account, Debit, Entry

ENTRY = Entry("acme", 1.5, b"", (Debit(Account("acme", "a"), 0, 1),))


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(mapping, "_GUARANTEEING", frozenset())
    journal = Journal(tmp_path, "o", 128 << 10)
    journal.open_files()
    journal.post(ENTRY)
    return journal


def break_file(journal: Journal) -> None:
    """Let the file that is written to be one that is always full."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal.unsynced().files[0])
    os.close(full)


def test_it_is_read_like_any_other(journal: Journal, tmp_path: Path) -> None:
    journal.promise(ENTRY)
    journal.close()
    folder = Folder.claim(tmp_path / "o")
    assert folder is not None
    heir = Journal.reopen(folder, 128 << 10)
    assert (heir.last, heir.keep_promises(), heir.last) == (1, 1, 2)
    heir.close()


def test_what_was_promised_is_posted_in_another_file(journal: Journal) -> None:
    promised = journal.promise(ENTRY)
    journal.tend()
    break_file(journal)
    journal.post(ENTRY, promised)
    assert (journal.last, journal.open, journal.full) == (1, 1, True)
    journal.tend()
    assert (journal.last, journal.open, journal.full) == (2, 0, False)
    journal.close()


def test_a_promise_that_failed_is_void(journal: Journal) -> None:
    journal.tend()
    break_file(journal)
    with pytest.raises(JournalUnavailable):
        journal.promise(ENTRY)
    journal.tend()
    assert (journal.open, journal.full) == (0, False)
    journal.close()


def test_the_kind_of_file_system_is_known(tmp_path: Path) -> None:
    assert mapping._file_system(tmp_path)
    assert mapping._file_system(Path("/proc")) == "proc"
