"""What plugins promise together for one call of a provider: one record, and one posting."""

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from attrs import define, field

from jackfield.store import Debit, Entry


class Scribe(Protocol):
    """What pledges need of a `Ledger`."""

    def promise(self, entry: Entry) -> int:
        """Write what is to be posted should this process die."""

    def post(self, entry: Entry, *, promised: int | None = None) -> None:
        """Write what was spent, in the place of what was promised."""

    def cancel(self, promised: int) -> None:
        """Make a promise void."""


@define(eq=False)
class Pledge:
    """Promises that are written at once, and posted at once when the last one is settled.

    A process may die at any time: what one plugin has charged another has then on record.
    """

    _scribe: Scribe
    is_written: bool = field(default=False, init=False)
    has_record: bool = field(default=False, init=False)
    _promised: list[Entry] = field(factory=list, init=False)
    _spent: list[Entry] = field(factory=list, init=False)
    _open: int = field(default=0, init=False)
    _number: int | None = field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        """Whether one of them is neither kept nor void."""
        return self._open > 0

    def debits(self) -> list[Debit]:
        """What has been spent of it so far."""
        return [debit for entry in self._spent for debit in entry.debits]

    def join(self, entry: Entry) -> None:
        """Promise this as well; an entry with a record joins where there is none."""
        self._promised.append(entry)
        self._open += 1
        self.has_record = self.has_record or bool(entry.record)

    def write(self) -> None:
        """Write all of it down. Raises JournalUnavailable, and nothing is promised then."""
        self.is_written = True
        if self._open:
            self._number = self._scribe.promise(_joined(self._promised))

    def settle(self, spent: Entry | None) -> None:
        """Note what came of one promise; of the last one on, post what came of all."""
        if spent is not None:
            self._spent.append(spent)
        self._open -= 1
        if self._open:
            return
        if self._spent:
            self._scribe.post(_joined(self._spent), promised=self._number)
        elif self._number is not None:
            self._scribe.cancel(self._number)


@define(eq=False)
class Promise:
    """What one plugin may have to post for a call of a provider, until it is kept or void."""

    _pledge: Pledge
    _keepers: set[Pledge]
    _is_open: bool = field(default=True, init=False)

    @property
    def is_written(self) -> bool:
        """Whether it is on record, so that the call that it is for may have begun."""
        return self._pledge.is_written

    def keep(self, entry: Entry) -> None:
        """Post this in the place of what was promised, together with what others have promised.

        Raises ValueError when it was kept or made void before.
        """
        self._settle(entry)

    def void(self) -> None:
        """Nothing was spent. Raises ValueError when it was kept or made void before."""
        self._settle(None)

    def _settle(self, entry: Entry | None) -> None:
        if not self._is_open:
            raise ValueError("a promise is settled once")
        self._is_open = False
        pledge = self._pledge
        pledge.settle(entry)
        if pledge.is_open:
            self._keepers.add(pledge)
        else:
            self._keepers.discard(pledge)


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
