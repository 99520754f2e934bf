"""What the disk does not keep: the ledger reports it, goes on in another file, and mends itself."""

import asyncio
import os
from pathlib import Path

from jackfield._ledger.syncing import Syncing
from jackfield.journal import Journal
from jackfield.store import Account, Debit, Entry

ENTRY = Entry("acme", 1.5, b"", (Debit(Account("acme", "a"), 0, 1),))


async def test_what_is_synced_is_durable(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "o", 128 << 10)
    journal.open_files()
    syncing = Syncing(journal)
    journal.post(ENTRY)
    assert journal.durable == 0
    await asyncio.gather(syncing.sync(), syncing.sync())
    assert (journal.durable, syncing.failing) == (1, False)
    journal.close()


async def test_a_file_that_cannot_be_synced_is_left_for_another(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "o", 128 << 10)
    journal.open_files()
    syncing = Syncing(journal)
    journal.post(ENTRY)
    journal.tend()
    reader, writer = os.pipe()
    os.dup2(writer, journal.unsynced().files[0])
    await syncing.sync()
    assert (journal.durable, syncing.failing) == (0, True)
    journal.post(ENTRY)
    await syncing.sync()
    assert (journal.durable, syncing.failing) == (2, False)
    assert len(journal.read(0, 2, 9).entries) == 2
    journal.close()
    os.close(reader)
    os.close(writer)
