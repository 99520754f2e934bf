"""History: the records and tallies written by postings."""

import asyncio
from typing import Final

from jackfield.store import Record, Tally

from . import scripts
from .keys import Keys, decoded, encoded
from .series import parts_of
from .server import Server
from .times import HOUR, encoded_time, time_of

BYTES_AT_ONCE: Final = 262_144
HOURS_AT_ONCE: Final = 16
FOREVER: Final = 1e12


class History:
    """The part of the store that is read by time."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    async def tallies(self, scope: str, prefix: str, since: int, until: int) -> list[Tally]:
        """The counters of some hours, in order."""
        index = self._keys.tallied(scope)
        hours = await self._server.command(index, "ZRANGEBYSCORE", index, since, f"({until}")
        found: list[Tally] = []
        for start in range(0, len(hours), HOURS_AT_ONCE):
            some = [int(hour) for hour in hours[start : start + HOURS_AT_ONCE]]
            for part in await asyncio.gather(*(self._of_hour(scope, hour) for hour in some)):
                found.extend(tally for tally in part if tally.series.startswith(prefix))
        return sorted(found)

    async def records(
        self, scope: str, since: float, until: float, after: str, limit: int
    ) -> list[Record]:
        """The records within a span of time, in order."""
        least = b"[" + encoded_time(since)
        if after:
            # A place is followed by its record; this byte comes after any record.
            least = max(least, b"[" + encoded(after) + b"\1", key=lambda bound: bound[1:])
        span = (f"({since - HOUR!r}", f"({until!r}")
        found: list[Record] = []
        while len(found) < limit:
            members, more = await self._server.run(
                scripts.RECORDS,
                (self._keys.born,),
                encoded(scope),
                *span,
                least,
                b"(" + encoded_time(until),
                limit - len(found),
                BYTES_AT_ONCE,
            )
            found.extend(map(_record, members))
            if not more:
                break
            least = b"(" + members[-1]
        return found

    async def scopes(self) -> list[str]:
        """The scopes that have records or tallies, in order."""
        place = self._keys.scopes
        return list(map(decoded, await self._server.command(place, "ZRANGE", place, 0, -1)))

    async def forget_records(self, before: float) -> int:
        """Delete the records from before a time and return their number."""
        hour = int(min(before, FOREVER) // HOUR) * HOUR
        forgotten = 0
        for scope in await self.scopes():
            more = True
            while more:
                words = (encoded(scope), hour, b"(" + encoded_time(before), HOURS_AT_ONCE)
                part, more = await self._server.run(
                    scripts.FORGET_RECORDS, (self._keys.born,), *words
                )
                forgotten += part
        return forgotten

    async def _of_hour(self, scope: str, hour: int) -> list[Tally]:
        place = self._keys.tallies(scope, hour)
        flat = await self._server.command(place, "HGETALL", place)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [
            Tally(series, hour, name, int(amount))
            for field, amount in pairs
            for series, name in [parts_of(field)]
        ]


def _record(member: bytes) -> Record:
    place, _, data = member.partition(b"\0")
    return Record(decoded(place), time_of(place), data)
