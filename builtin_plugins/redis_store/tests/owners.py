"""Owners as the ledger of a gateway is one: what they have spent they know themselves."""

import asyncio
import contextlib

from attrs import define, field
from builtin_plugins.redis_store.tests.callers import ACCOUNT

from jackfield.store import Debit, Entry, Store, StoreUnavailable, Tally

LEASE = 60.0


@define
class Owner:
    """Spends, and posts what the store has not got, from the first that it has lost."""

    store: Store
    name: str
    held: int = 0
    journal: list[Entry] = field(factory=list)
    lost: int = 0
    _confirmed: int = 0

    def spend(self) -> None:
        """Spend 1 and write it down."""
        number = len(self.journal)
        tally = Tally(self.name, 0, "n", 1)
        record = f"{self.name}:{number}".encode()
        self.journal.append(Entry("s", float(number), record, (Debit(ACCOUNT, 0, 1),), (tally,)))

    async def post(self) -> None:
        """Tell the store what it does not know."""
        lease = await self.store.renew(self.name, lease=LEASE)
        self.lost += max(0, self._confirmed - lease.posted)
        posted = lease.posted
        while posted < len(self.journal):
            posted = await self.store.post(
                self.name, posted + 1, self.journal[posted : posted + 50]
            )
            self._confirmed = posted
        # Only now: what is posted is taken from what is held.
        if not lease.alive:
            held = {ACCOUNT: self.held} if self.held else {}
            await self.store.restate(self.name, held, lease=LEASE)

    async def work(self) -> None:
        """Spend and post until cancelled, whatever becomes of the store."""
        while True:
            self.spend()
            with contextlib.suppress(StoreUnavailable):
                await self.post()
            await asyncio.sleep(0.002)
