"""A process that uses a store for a moment, as a command of the command line does."""

import asyncio
import sys

from jackfield_sqlite_store import opened


async def visit(path: str, name: str) -> None:
    """Leave a word, and go."""
    async with opened(path) as store:
        await store.put("visitors", name, b"was here")


if __name__ == "__main__":
    asyncio.run(visit(*sys.argv[1:]))
