"""Promises of several plugins for one provider call, kept in one record and one posting."""

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from attrs import define, field

from jackfield.store import Debit, Entry


class PromiseJournal(Protocol):
    """The part of `Ledger` that pledges use."""

    def promise(self, entry: Entry) -> int:
        """Write an entry to be posted if this process dies."""

    def post(self, entry: Entry, *, promised: int | None = None) -> None:
        """Write what was spent; it replaces what was promised."""

    def cancel(self, promised: int) -> None:
        """Cancel a promise."""


@define(eq=False)
class Pledge:
    """Promises that are written together, and posted together when the last one is settled.

    So if the process dies, either the charges of all plugins are recorded or none.
    """

    _journal: PromiseJournal
    is_written: bool = field(default=False, init=False)
    has_record: bool = field(default=False, init=False)
    _promised: list[Entry] = field(factory=list, init=False)
    _spent: list[Entry] = field(factory=list, init=False)
    _open: int = field(default=0, init=False)
    _number: int | None = field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        """Whether at least one promise is unsettled."""
        return self._open > 0

    def debits(self) -> list[Debit]:
        """What has been spent on it so far."""
        return [debit for entry in self._spent for debit in entry.debits]

    def join(self, entry: Entry) -> None:
        """Add an entry; at most one of them may have a record."""
        self._promised.append(entry)
        self._open += 1
        self.has_record = self.has_record or bool(entry.record)

    def write(self) -> None:
        """Write all entries to the journal. Raises JournalUnavailable; then nothing is promised."""
        self.is_written = True
        if self._open:
            self._number = self._journal.promise(_joined(self._promised))

    def settle(self, spent: Entry | None) -> None:
        """Settle one promise; the last one posts everything that was spent."""
        if spent is not None:
            self._spent.append(spent)
        self._open -= 1
        if self._open:
            return
        if self._spent:
            self._journal.post(_joined(self._spent), promised=self._number)
        elif self._number is not None:
            self._journal.cancel(self._number)


@define(eq=False)
class Promise:
    """What one plugin may have to post for a provider call; settled by `keep` or `void`."""

    _pledge: Pledge
    _partly_settled: set[Pledge]
    _is_open: bool = field(default=True, init=False)

    @property
    def is_written(self) -> bool:
        """Whether it is in the journal, so that the provider call may have begun."""
        return self._pledge.is_written

    def keep(self, entry: Entry) -> None:
        """Post this entry in place of the promised one, together with those of other plugins.

        Raises ValueError if the promise was already kept or voided.
        """
        self._settle(entry)

    def void(self) -> None:
        """Nothing was spent. Raises ValueError if the promise was already kept or voided."""
        self._settle(None)

    def _settle(self, entry: Entry | None) -> None:
        if not self._is_open:
            raise ValueError("this promise is already settled")
        self._is_open = False
        pledge = self._pledge
        pledge.settle(entry)
        if pledge.is_open:
            self._partly_settled.add(pledge)
        else:
            self._partly_settled.discard(pledge)


def _joined(entries: Sequence[Entry]) -> Entry:
    if len(entries) == 1:
        return entries[0]
    named = next((entry for entry in entries if entry.record), entries[0])
    return Entry(
        named.scope,
        named.time,
        named.record,
        tuple(chain.from_iterable(entry.debits for entry in entries)),
        tuple(chain.from_iterable(entry.tallies for entry in entries)),
    )
