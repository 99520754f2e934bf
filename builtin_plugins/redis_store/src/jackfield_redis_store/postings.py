"""Postings: owners' entries, summed before they are sent."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import define, field

from jackfield.store import Account, Entry

from . import scripts
from .keys import Keys, account_name, encoded
from .series import field_of
from .server import Server
from .times import HOUR, encoded_time
from .wire import Word

AT_ONCE: Final = 50
"""Entries per script call, few enough to finish well within the deadline."""


class Postings:
    """The part of the store that accepts postings."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    async def post(self, owner: str, first: int, entries: Sequence[Entry], gap: bool) -> int:
        """Store the entries that are new, and return the number of the owner's last one."""
        posted = await self._post(owner, first, entries[:AT_ONCE], gap)
        for start in range(AT_ONCE, len(entries), AT_ONCE):
            if posted < first + start - 1:
                break
            posted = await self._post(owner, first + start, entries[start : start + AT_ONCE], False)
        return posted

    async def _post(self, owner: str, first: int, entries: Sequence[Entry], gap: bool) -> int:
        last = first + len(entries) - 1
        while True:
            sums = Sums.of(entries)
            names = {account: account_name(account) for account in sums.taken}
            words = (owner, first, last, int(gap), *sums.words(names))
            places = self._keys.ledger(owner, names.values())
            posted, kept = await self._server.run(scripts.POST, places, *words)
            if kept or posted >= last or posted + 1 < first:
                return int(posted)
            # Some are stored already, by a call whose answer was lost.
            entries, first = entries[posted + 1 - first :], posted + 1


@define
class Sums:
    """The changes that entries make, each account and counter once."""

    spent: defaultdict[tuple[Account, int], int] = field(factory=lambda: defaultdict(int))
    taken: defaultdict[Account, int] = field(factory=lambda: defaultdict(int))
    tallies: defaultdict[tuple[str, int, str, str], int] = field(factory=lambda: defaultdict(int))
    records: list[tuple[str, float, bytes]] = field(factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Sums":
        """Sum entries."""
        sums = cls()
        spent, taken, tallies = sums.spent, sums.taken, sums.tallies
        for entry in entries:
            scope = entry.scope
            for account, bucket, amount in entry.debits:
                spent[account, bucket] += amount
                taken[account] += max(0, amount)
            for series, hour, name, amount in entry.tallies:
                tallies[scope, hour, series, name] += amount
            if entry.record:
                sums.records.append((scope, entry.time, entry.record))
        return sums

    def words(self, names: dict[Account, bytes]) -> Iterator[Word]:
        """The script's arguments."""
        yield len(self.spent)
        for (account, bucket), amount in self.spent.items():
            yield from (names[account], bucket, amount)
        yield len(self.taken)
        for account, amount in self.taken.items():
            yield from (names[account], amount)
        yield len(self.records)
        for scope, time, data in self.records:
            yield from (encoded(scope), int(time // HOUR) * HOUR, encoded_time(time), data)
        yield len(self.tallies)
        for (scope, hour, series, name), amount in self.tallies.items():
            yield from (encoded(scope), hour, field_of(series, name), amount)
