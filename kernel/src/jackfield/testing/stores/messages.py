"""The promises about messages, the clock and health."""

import asyncio
import time
from collections.abc import AsyncIterator

from jackfield.store import Store

from .promise import PATIENCE, Promise, holds, on_a_store, same
from .site import Site


async def next_message(messages: AsyncIterator[bytes | None]) -> bytes | None:
    """The next message, or None for one that may have been missed."""
    async with asyncio.timeout(PATIENCE):
        return await anext(messages)


async def listening(store: Store, channel: str) -> AsyncIterator[bytes | None]:
    """What is published from now on: the first None, which says that it is listening, is read."""
    messages = store.listen(channel)
    same(await next_message(messages), None, "the first message")
    return messages


@on_a_store
async def delivers_to_all_listeners(store: Store) -> None:
    """In the order of publishing, separately for each channel."""
    one, two, other = [await listening(store, channel) for channel in ("c", "c", "c:d")]
    for message in (b"", b"1", bytes(range(256))):
        await store.publish("c", message)
    await store.publish("c:d", b"other")
    for messages in (one, two):
        same([await next_message(messages) for _ in range(3)], [b"", b"1", bytes(range(256))])
    same(await next_message(other), b"other")


@on_a_store
async def delivers_nothing_published_before(store: Store) -> None:
    """A listener gets only what comes after it has begun to listen."""
    await store.publish("c", b"before")
    messages = await listening(store, "c")
    await store.publish("c", b"after")
    same(await next_message(messages), b"after")


async def delivers_to_other_stores(site: Site) -> None:
    """What one store publishes, all others with the same data receive."""
    async with site.open() as one, site.open() as other:
        messages = await listening(other, "c")
        await one.publish("c", b"1")
        same(await next_message(messages), b"1")


@on_a_store
async def drops_stopped_listeners(store: Store) -> None:
    """A listener that has stopped does not get in the way."""
    messages = await listening(store, "c")
    waiting = asyncio.ensure_future(next_message(messages))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    again = await listening(store, "c")
    await store.publish("c", b"1")
    same(await next_message(again), b"1")


@on_a_store
async def reports_the_time(store: Store) -> None:
    """Seconds since 1970, never decreasing, and consistent with what calls return."""
    times = [await store.time() for _ in range(50)]
    times.append((await store.acquire("o", [], lease=1)).now)
    times.append((await store.renew("o", lease=1)).now)
    same(times, sorted(times))
    holds(abs(times[0] - time.time()) < 3600, f"{times[0]} is not the time, {time.time()}")


@on_a_store
async def is_well(store: Store) -> None:
    """A working store reports that it is well."""
    same(await store.health(), None)


async def keeps_all_when_it_is_closed(site: Site) -> None:
    """A store that is opened again has what the previous one had."""
    async with site.open() as store:
        await store.put("s", "k", b"1")
    async with site.open() as store:
        same(await store.put("s", "k", b"2", expect=1), 2)


MESSAGES: tuple[Promise, ...] = (
    delivers_to_all_listeners,
    delivers_nothing_published_before,
    delivers_to_other_stores,
    drops_stopped_listeners,
    reports_the_time,
    is_well,
    keeps_all_when_it_is_closed,
)
