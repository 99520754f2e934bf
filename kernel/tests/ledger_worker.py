"""A process that spends until it is killed, and says before and after each step what it does.

`ledger_worker.py SOCKET JOURNALS NAME`. Its store is its parent's, behind the socket.
"""

import asyncio
import os
import pickle
import random
import sys
from pathlib import Path
from typing import Any, cast

from jackfield.ledger import Ledger, LedgerOptions
from jackfield.store import Account, Debit, Entry, Store, StoreUnavailable

BUDGET = Account("acme", "a")
FAST = LedgerOptions(
    lease=1.0,
    renew_every=0.05,
    post_every=0.005,
    recover_every=0.02,
    patience=2.0,
    segment_bytes=256 << 10,
)


class RemoteStore:
    """The parent's store: every call is made there."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: object, **named: object) -> object:
            return await self._call((name, arguments, named))

        return call

    async def _call(self, what: object) -> object:
        try:
            reader, writer = await asyncio.open_unix_connection(self.path)
            writer.write(pickle.dumps(what))
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return pickle.loads(answer)  # noqa: S301 - the test's own
        except (OSError, EOFError) as error:
            raise StoreUnavailable(str(error)) from error


def say(*words: object) -> None:
    """Tell the parent."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def entry(record: str) -> Entry:
    """One unit spent."""
    return Entry("acme", 1.0, record.encode(), (Debit(BUDGET, 0, 1),))


async def spend(ledger: Ledger, name: str) -> None:
    """Promise and post for ever, a few at a time."""
    chance = random.Random(name)  # noqa: S311 - the same steps each time
    open_promises: list[tuple[int, int]] = []
    number = 0
    while True:
        number += 1
        if len(open_promises) < 5 or chance.random() < 0.5:
            say("promising", number)
            open_promises.append((number, ledger.promise(entry(f"{name}:{number}:promised"))))
            say("promised", number)
        which, promised = open_promises.pop(chance.randrange(len(open_promises)))
        step = chance.choice(("posting", "posting", "cancelling", "keeping"))
        if step == "posting":
            say("posting", which)
            ledger.post(entry(f"{name}:{which}:spent"), promised=promised)
            say("posted", which)
        elif step == "cancelling":
            say("cancelling", which)
            ledger.cancel(promised)
            say("cancelled", which)
        else:
            open_promises.append((which, promised))
        if chance.random() < 0.1:
            await asyncio.sleep(0.001)


async def main(socket: str, journals: str, name: str) -> None:
    """Work until killed."""
    ledger = Ledger(cast(Store, RemoteStore(socket)), Path(journals), FAST)
    await ledger.start()
    await spend(ledger, name)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
