"""Posting a journal to the store, starting where the store's copy ends."""

import asyncio
import logging
from typing import Final

from attrs import define, field

from jackfield.journal import Batch, Journal
from jackfield.store import Entry, Store, StoreUnavailable

logger = logging.getLogger("jackfield.ledger")

MOST: Final = 500
"""Postings per call of the store."""


@define(eq=False)
class Poster:
    """Posts one journal. `posted` counts postings, `rewound` how often the store lost some."""

    _store: Store
    _journal: Journal
    posted: int = field(default=0, init=False)
    rewound: int = field(default=0, init=False)

    async def post(self, upto: int) -> None:
        """Send the postings up to a number to the store. Raises StoreUnavailable."""
        stalled = 0
        while self._journal.posted < upto:
            before = self._journal.posted
            await self._post_some(before, upto)
            stalled = 0 if self._journal.posted > before else stalled + 1
            if stalled > 2:
                raise StoreUnavailable("The store does not keep what is posted to it.")

    def learn(self, number: int) -> None:
        """Update from the number of the last posting that the store has."""
        before = self._journal.posted
        if number < before:
            self.rewound += 1
            logger.warning(
                "the store has lost postings %d to %d of %s; posting them again",
                number + 1,
                before,
                self._journal.owner,
            )
        self.posted += max(number - before, 0)
        self._journal.confirm(number)

    async def _post_some(self, after: int, upto: int) -> None:
        owner = self._journal.owner
        batch = self._journal.take(after, upto, MOST)
        if batch is None:
            batch = await asyncio.to_thread(self._journal.read, after, upto, MOST)
        if not batch.entries:
            batch = Batch(upto, (Entry("", 0.0),))
        gap = batch.first > after + 1
        if gap and (number := await self._store.post(owner, after + 1, ())) != after:
            self.learn(number)
            return
        if gap:
            logger.error("postings %d to %d of %s are lost", after + 1, batch.first - 1, owner)
        self.learn(await self._store.post(owner, batch.first, batch.entries, gap=gap))
