"""Random histories of owners that spend, die and are recovered: each posting is kept once."""

import asyncio
import copy
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from jackfield._ledger.poster import Poster
from jackfield._ledger.recovery import Recovery
from jackfield.journal import Journal
from jackfield.store import Account, Debit, Entry, StoreUnavailable
from jackfield.testing.memory_store import MemoryStore

pytestmark = pytest.mark.timeout(120)
A = Account("acme", "a")
SEGMENT = 80 << 10
T = TypeVar("T")


@define(eq=False)
class FailingStore(MemoryStore):
    """A store that answers `calls` calls more; the last is done, but its answer is lost."""

    calls: int | None = None

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        self._count()
        last = await super().post(owner, first, entries, gap=gap)
        self._answer()
        return last

    async def close_owner(self, owner: str) -> None:
        self._count()
        await super().close_owner(owner)
        self._answer()

    def _count(self) -> None:
        if self.calls is not None:
            self.calls -= 1
            if self.calls < 0:
                raise StoreUnavailable("away")

    def _answer(self) -> None:
        if self.calls == 0:
            raise StoreUnavailable("no answer")


class Histories(RuleBasedStateMachine):
    """`due` is what the store must have in the end, when all owners are dead and recovered."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.store = FailingStore()
        self.older = copy.deepcopy(self.store)
        self.recovery = Recovery(self.store, self.root, SEGMENT)
        self.due: Counter[str] = Counter()
        self.open: dict[int, str] = {}
        self.forgotten = False
        self.count = 0
        self.owner = 0
        self.begin()

    def begin(self) -> None:
        self.owner += 1
        self.journal = Journal(self.root, f"owner-{self.owner}", SEGMENT)
        self.journal.open_files()
        self.poster = Poster(self.store, self.journal)

    def entry(self) -> tuple[str, Entry]:
        self.count += 1
        name = str(self.count)
        return name, Entry("acme", 1.0, name.encode(), (Debit(A, 0, self.count),))

    @rule(times=st.integers(1, 60))
    def promise(self, times: int) -> None:
        for _ in range(times):
            name, entry = self.entry()
            self.open[self.journal.promise(entry)] = name

    @rule(times=st.integers(1, 60))
    def post(self, times: int) -> None:
        for _ in range(times):
            name, entry = self.entry()
            self.journal.post(entry)
            self.due[name] += 1

    @precondition(lambda self: self.open)
    @rule(data=st.data(), size=st.sampled_from([0, 100, 5_000]))
    def settle(self, data: st.DataObject, size: int) -> None:
        promised = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[promised]
        name, entry = self.entry()
        self.journal.post(Entry("acme", 1.0, entry.record.zfill(size), entry.debits), promised)
        self.due[name] += 1

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        promised = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[promised]
        self.journal.cancel(promised)

    @rule(part=st.floats(0, 1), calls=st.none() | st.integers(0, 2))
    def reach_the_store(self, part: float, calls: int | None) -> None:
        missing = self.journal.last - self.journal.posted
        self.store.calls = calls
        self.run_away(self.poster.post(self.journal.posted + round(missing * part)))

    @rule()
    def copy_the_store(self) -> None:
        self.older = copy.deepcopy(self.store)

    @rule(everything=st.booleans())
    def lose_writes(self, everything: bool) -> None:
        all_kept = everything and not self.forgotten
        before = FailingStore() if all_kept else copy.deepcopy(self.older)
        for name in ("_owners", "_spent", "_records", "_kept"):
            setattr(self.store, name, getattr(before, name))

    @rule()
    def renew(self) -> None:
        self.poster.learn(self.run(self.store.renew(self.journal.owner, lease=60)).posted)

    @rule(kept=st.integers(0, 3))
    def forget_segments(self, kept: int) -> None:
        """Only what the store is known to have; it loses nothing of that from here on."""
        self.renew()
        if kept == 3 and self.journal.forget(0, 0):
            self.older, self.forgotten = copy.deepcopy(self.store), True

    @rule(garbage=st.binary(max_size=60), deaths=st.lists(st.integers(0, 4), max_size=3))
    def die(self, garbage: bytes, deaths: list[int]) -> None:
        """The recoverers die as well, `deaths` says after how many calls of the store."""
        self.due.update(self.open.values())
        self.open.clear()
        self.tear(garbage)
        self.journal.close()
        for calls in deaths:
            self.store.calls = calls
            self.run_away(self.recovery.recover())
        self.begin()

    @rule()
    def review(self) -> None:
        self.run(self.recovery.review())

    def teardown(self) -> None:
        self.die(b"", [])
        self.journal.close()
        self.run(self.recovery.recover())
        self.run(self.recovery.review())
        records = self.run(self.store.records("acme", 0, 9, limit=1_000_000))
        found = Counter(record.data.lstrip(b"0").decode() for record in records)
        spent = self.run(self.store.balances([(A, 0)]))[0].spent
        shutil.rmtree(self.root)
        assert found == self.due
        assert spent == sum(map(int, self.due.elements()))

    def tear(self, garbage: bytes) -> None:
        """Half a record behind the last one."""
        for path in sorted((self.root / self.journal.owner).glob("0*"))[-1:]:
            with path.open("r+b") as file:
                file.seek(self.journal._writer._offset)
                file.write(garbage)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        self.store.calls = None
        return asyncio.run(work)

    def run_away(self, work: Coroutine[Any, Any, None]) -> None:
        """Work with a store that may not answer."""
        try:
            asyncio.run(work)
        except StoreUnavailable:
            pass
        finally:
            self.store.calls = None


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
