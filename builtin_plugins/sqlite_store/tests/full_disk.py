"""A process whose disk is full for a while: no file may grow beyond some size."""

import asyncio
import json
import resource
import sys

from jackfield.store import Account, Debit, Entry, StoreUnavailable
from jackfield_sqlite_store import opened

ACCOUNT = Account("s", "a")
ENTRY = Entry("s", 1.0, b"r" * 5000, (Debit(ACCOUNT, 0, 1),))


def limit_files(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


async def main(path: str) -> dict[str, object]:
    confirmed = refused = 0
    async with opened(path, deadline=10.0, patience=10.0) as store:
        limit_files(500_000)
        for _ in range(100):
            try:
                confirmed = await store.post("o", confirmed + 1, [ENTRY] * 3)
            except StoreUnavailable:
                refused += 1
        health = await store.health()
        limit_files(resource.RLIM_INFINITY)
        health_after = await store.health()
        confirmed = await store.post("o", confirmed + 1, [ENTRY] * 3)
        (balance,) = await store.balances([(ACCOUNT, 0)])
        kept = len(await store.records("s", 0, 2))
    return {
        "confirmed": confirmed,
        "refused": refused,
        "health": health,
        "health_after": health_after,
        "spent": balance.spent,
        "kept": kept,
    }


sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1]))))
