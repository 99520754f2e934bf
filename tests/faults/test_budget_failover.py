"""A replica takes over that lacks the last writes: the journals write them again."""

import asyncio
from pathlib import Path

import pytest
from attrs import define
from builtin_plugins.redis_store.tests.redis_servers import Process, follow
from builtin_plugins.redis_store.tests.relay import Relay, relaying
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import serving
from tests.faults.spending import COST, Callers, equality, spending

from jackfield_redis_store import opened

pytestmark = pytest.mark.timeout(120)
RECOVERY = 1.0
A_ROUND = 60


@define(eq=False)
class Failovers:
    """Servers of which one is the primary; `lost` counts the requests that only a dead one knew."""

    folder: Path
    upstream: Faultd
    relay: Relay
    callers: Callers
    primary: Process
    over: int = 0
    lost: int = 0
    rounds: int = 0

    async def fail_over(self, limit: int) -> None:
        """Have a replica take over, which hears nothing of a third of the requests."""
        replica = Process("redis-server", self.folder / f"redis-{self.rounds}").start()
        self.rounds += 1
        try:
            await asyncio.to_thread(follow, replica, self.primary)
            await self.callers.send(A_ROUND // 3)
            replica.execute("REPLICAOF", "NO", "ONE")
            before = len(self.upstream.ledger.records)
            await self.callers.send(A_ROUND // 3)
            self.lost += len(self.upstream.ledger.records) - before
        finally:
            self.primary.kill()
            self.primary = replica
        self.relay.target = replica.port
        await self.callers.send(A_ROUND // 3)
        await self.callers.until(200)
        await self.equality(limit)

    async def equality(self, limit: int) -> None:
        """Wait until the store says what the upstream bills."""
        async with opened(self.primary.url, deadline=1.0) as store:
            self.over = max(0, await equality(store, self.upstream) - limit)


async def fail_over(folder: Path, rounds: int) -> Failovers:
    """So many failovers, under a limit that the last of them meet."""
    limit = COST * A_ROUND * rounds
    primary = Process("redis-server", folder / "redis").start()
    async with Faultd() as upstream, relaying(primary.port) as relay:
        redis = f'[plugins.redis_store]\nurl = "{relay.url}"\nrecovery_seconds = {RECOVERY}\n'
        async with serving(folder, spending(upstream, limit, redis)) as gateway:
            failovers = Failovers(folder, upstream, relay, Callers(gateway), primary)
            try:
                await failovers.callers.until(200)
                for _ in range(rounds):
                    await failovers.fail_over(limit)
                await failovers.callers.until(429)
                await failovers.equality(limit)
            finally:
                failovers.primary.kill()
    return failovers


async def test_what_a_failover_has_lost_is_written_again(directory: Path) -> None:
    failovers = await fail_over(directory, 2)
    assert failovers.lost > 0
    assert failovers.over <= COST * failovers.lost
    assert (failovers.callers.hanging, failovers.callers.odd) == (0, [])


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_twenty_failovers_lose_no_record(directory: Path, figures: Figures) -> None:
    row = figures.of("failover that loses writes", 20)
    failovers = await fail_over(directory, 20)
    row.at_least(20, failovers.lost, "requests that only the dead one knew")
    row.at_most(0, failovers.callers.hanging, "requests that hang")
    row.at_most(0, len(failovers.callers.odd), "answers that are no answer")
    row.at_most(COST * failovers.lost, failovers.over, "tokens overspent")
