"""The promises that are hard to keep with several processes at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import Final, TypeVar

from jackfield.store import Account, Conflict, Store

from .accounts import LONG, A, claim, spent, state
from .messages import listening, next_message
from .promise import Promise, holds, same
from .site import Site

T = TypeVar("T")

WORKERS: Final = 3
ACCOUNTS: Final = tuple(Account("s", f"a{place}") for place in range(4))
LIMIT: Final = 800


async def in_processes(site: Site, part: Callable[[Store, int], Awaitable[T]]) -> Sequence[T]:
    """The results of `part` in several processes at once, each with its own store and number."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        calls = [loop.run_in_executor(pool, _take_part, site, part, n) for n in range(WORKERS)]
        return await asyncio.gather(*calls)


def _take_part(site: Site, part: Callable[[Store, int], Awaitable[T]], number: int) -> T:
    async def take_part() -> T:
        async with site.open() as store:
            return await part(store, number)

    return asyncio.run(take_part())


async def _grab(store: Store, number: int) -> int:
    random = Random(number)  # noqa: S311 - no secret
    given = 0

    async def one(owner: str) -> None:
        nonlocal given
        for _ in range(15):
            accounts = random.sample(ACCOUNTS, 3)
            claims = [claim(one, random.randint(1, 5), 9, limit=LIMIT) for one in accounts]
            answer = await store.acquire(owner, claims, lease=LONG)
            given += sum(answer.granted)
            if answer.granted and random.random() < 0.3:
                amount = random.randint(1, answer.granted[0])
                await store.give_back(owner, {accounts[0]: amount})
                given -= amount

    await asyncio.gather(*(one(f"{number}-{task}") for task in range(8)))
    return given


async def never_gives_more_than_the_limit_to_many_processes(site: Site) -> None:
    """And what is held is the sum of what was given."""
    given = sum(await in_processes(site, _grab))
    async with site.open() as store:
        balances = await store.balances([(account, 0) for account in ACCOUNTS])
    same(sum(balance.held for balance in balances), given)
    holds(all(balance.held <= LIMIT for balance in balances), f"over {LIMIT}: {balances}")


async def _post_all(store: Store, number: int) -> int:
    last = 0
    for first in range(1, 100, 5):
        last = await store.post("o", first, [spent((A, 1)) for _ in range(10)])
    return last


async def posts_from_many_processes_each_entry_once(site: Site) -> None:
    """As when several recover one journal."""
    same(await in_processes(site, _post_all), [105] * WORKERS)
    async with site.open() as store:
        same(await state(store), (105, 0))


async def _count_up(store: Store, number: int) -> int:
    conflicts = 0
    for _ in range(20):
        while True:
            value = await store.get("s", "k")
            count, version = (int(value.data), value.version) if value else (0, 0)
            try:
                await store.put("s", "k", b"%d" % (count + 1), expect=version)
                break
            except Conflict:
                conflicts += 1
    return conflicts


async def loses_no_change_of_many_processes(site: Site) -> None:
    """Each change with the expected version came after the previous one."""
    await in_processes(site, _count_up)
    async with site.open() as store:
        value = await store.get("s", "k")
    same((value.data, value.version) if value else None, (b"%d" % (20 * WORKERS), 20 * WORKERS))


async def _publish(store: Store, number: int) -> None:
    await store.publish("c", b"%d" % number)


async def delivers_to_other_processes(site: Site) -> None:
    """What is published in one process is received in another."""
    async with site.open() as store:
        messages = await listening(store, "c")
        await in_processes(site, _publish)
        received = sorted([str(await next_message(messages)) for _ in range(WORKERS)])
        same(received, sorted(str(b"%d" % number) for number in range(WORKERS)))


async def _report_time(store: Store, number: int) -> float:
    return await store.time()


async def reports_the_same_time_to_all_processes(site: Site) -> None:
    """Between the moments before and after, by every clock."""
    async with site.open() as store:
        before = await store.time()
        times = await in_processes(site, _report_time)
        after = await store.time()
    holds(all(before - 0.01 <= one <= after + 0.01 for one in times), f"{before} {times} {after}")


PROCESSES: tuple[Promise, ...] = (
    never_gives_more_than_the_limit_to_many_processes,
    posts_from_many_processes_each_entry_once,
    loses_no_change_of_many_processes,
    delivers_to_other_processes,
    reports_the_same_time_to_all_processes,
)
