"""Messages between the processes that use the file."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

from jackfield.store import StoreUnavailable

from .clock import RUNNING
from .transactions import Transaction

KEPT: Final = 60.0
"""Seconds for which a message is kept."""
PAUSE: Final = 0.1
"""Seconds between polls by a listener."""


class NewMessages(NamedTuple):
    """The number of the last message on any channel, and the new messages on one channel."""

    last: int
    messages: list[bytes]


def publish(at: Transaction, channel: str, message: bytes) -> None:
    """Store a message for all listeners, and delete old ones."""
    at.db.execute("DELETE FROM message WHERE time < ?", (at.now - KEPT,))
    at.db.execute(
        "INSERT INTO message (channel, data, time) VALUES (?, ?, ?)", (channel, message, at.now)
    )


def new_messages(at: Transaction, channel: str, after: int | None) -> NewMessages:
    """The messages after a number; for None, only the current number."""
    row = at.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'message'").fetchone()
    last = row[0] if row else 0
    if after is None or after == last:
        return NewMessages(last, [])
    rows = at.db.execute(
        "SELECT data FROM message WHERE id > ? AND channel = ? ORDER BY id", (after, channel)
    )
    return NewMessages(last, [data for (data,) in rows])


async def listen(
    fetch: Callable[[int | None], Awaitable[NewMessages]],
) -> AsyncIterator[bytes | None]:
    """The messages that `fetch` returns; None at the start, and after too long a pause."""
    after: int | None = None
    fetched_at = -math.inf
    while True:
        now = time.clock_gettime(RUNNING)
        if now - fetched_at > KEPT / 2:
            after = None
        try:
            found = await fetch(after)
        except StoreUnavailable:
            await asyncio.sleep(PAUSE)
            continue
        fetched_at = now
        if after is None:
            yield None
        after = found.last
        for message in found.messages:
            yield message
        await asyncio.sleep(PAUSE)
