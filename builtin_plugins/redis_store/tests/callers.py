"""Those who use a store while it fails: how each of their calls ended, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from attrs import define, field

from jackfield.store import Account, Claim, Store, StoreUnavailable

DEADLINE = 0.05
"""Seconds that the stores of these tests give an answer."""
HANGING = 1.0
"""Seconds after which a call counts as hanging, on a machine that may be busy."""
PATIENCE = 10.0

ACCOUNT = Account("s", "a")
PROBED = Account("s", "probed")


@define
class Calls:
    """What became of the calls."""

    answered: int = 0
    refused: int = 0
    seconds: list[float] = field(factory=list)


async def acquire(store: Store, owner: str, need: int, *, limit: int) -> int:
    """Hold an amount; what was given."""
    answer = await store.acquire(owner, [Claim(ACCOUNT, limit, need, need, 0, 0)], lease=60)
    return sum(answer.granted)


async def probe(store: Store) -> None:
    """Acquire something that nobody needs."""
    await store.acquire("probing", [Claim(PROBED, 10**9, 1, 1, 0, 0)], lease=60)


async def call_often(store: Store, times: int = 100, *, at_once: int = 10) -> Calls:
    """Acquire again and again. None of the calls hangs."""
    calls = Calls()

    async def one() -> None:
        for _ in range(times // at_once):
            began = monotonic()
            try:
                async with asyncio.timeout(HANGING):
                    await probe(store)
                calls.answered += 1
            except StoreUnavailable:
                calls.refused += 1
            calls.seconds.append(monotonic() - began)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(at_once)))
    return calls


async def until(fact: Callable[[], Awaitable[object]]) -> None:
    """Wait for something to come true by itself."""
    async with asyncio.timeout(PATIENCE):
        while not await fact():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.01)


async def works(store: Store) -> bool:
    """Whether the store answers and is well."""
    try:
        await probe(store)
    except StoreUnavailable:
        return False
    return await store.health() is None


async def recovered(store: Store) -> None:
    """Wait until the store answers again, without anybody's help."""
    await until(lambda: works(store))
