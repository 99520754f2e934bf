"""A process that posts and acquires without end, and prints what was confirmed, to be killed."""

import asyncio
import sys

from jackfield.store import Account, Claim, Debit, Entry, Tally
from jackfield_sqlite_store import SqliteStore, opened

SPENT, HELD = Account("s", "spent"), Account("s", "held")
LEASE = 3600.0


def entry(number: int) -> Entry:
    tally = Tally("posted", 0, "n", 1)
    return Entry("s", float(number), b"%d" % number, (Debit(SPENT, 0, 1),), (tally,))


def say(word: str, number: int) -> None:
    sys.stdout.write(f"{word} {number}\n")
    sys.stdout.flush()


async def post(store: SqliteStore, owner: str) -> None:
    last = (await store.renew(owner, lease=LEASE)).posted
    while True:
        first = max(1, last - 2)
        last = await store.post(owner, first, [entry(number) for number in range(first, last + 6)])
        say("posted", last)


async def acquire(store: SqliteStore, owner: str) -> None:
    while True:
        await store.acquire(owner, [Claim(HELD, 10**9, 1, 1, 0, 0)], lease=LEASE)
        say("acquired", 1)


async def main(path: str, owner: str) -> None:
    async with opened(path, deadline=10.0, patience=10.0) as store:
        await asyncio.gather(post(store, owner), *(acquire(store, owner) for _ in range(3)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
