"""A gateway with one budget of output tokens: its configuration, its callers, what it has spent."""

import asyncio
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
from attrs import define, field
from tests.faults.bars import Bars
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config
from tests.faults.load import percentile
from tests.faults.views import PATHS, View, chat, send

from jackfield.store import Account, Store

COST = 7
"""Tokens of output that the upstream bills for a good answer. As many are reserved."""

ACCOUNT = Account("", "budget:all/output_tokens")
PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 20.0}
Change = Callable[[], None]
HANGING = 5.0
"""Seconds after which a request counts as hanging, on a machine that may be busy."""


def spending(upstream: Faultd, limit: int, *tables: str, window: str = "none") -> str:
    """The configuration of a gateway that may spend so many tokens."""
    budget = f"""
[plugins.usage]
[plugins.budgets]
default_max_tokens = {COST}
[plugins.budgets.limits.all]
limit = {limit}
unit = "output_tokens"
window = "{window}"
"""
    return config(upstream.base_url, budget, *tables, timeouts=PATIENT)


@define(eq=False)
class Callers:
    """Ask one after the other, some at once; `views` has what they saw."""

    gateway: GatewayProcess
    at_once: int = 4
    views: list[View] = field(factory=list)

    async def send(self, count: int) -> Sequence[View]:
        """Send so many requests; what came of them."""
        left = iter(range(count))
        seen: list[View] = []
        async with aiohttp.ClientSession(self.gateway.url) as session:

            async def one() -> None:
                for _ in left:
                    seen.append(await send(session, PATHS["chat"], chat("same/m"), limit=HANGING))

            await asyncio.gather(*[one() for _ in range(self.at_once)])
        self.views += seen
        return seen

    async def until(self, status: int) -> None:
        """Send requests until this is the answer."""
        while (await self.send(1))[0].status != status:
            pass

    @property
    def hanging(self) -> int:
        """How many did not get an answer in time."""
        return sum(view.kind == "hang" for view in self.views)

    @property
    def odd(self) -> Sequence[View]:
        """Those that were neither served nor refused with 429 or 503."""
        return [view for view in self.views if view.status not in (200, 429, 503)]


async def spent(store: Store) -> int:
    """What the budget says has been spent."""
    (balance,) = await store.balances([(ACCOUNT, 0)])
    return balance.spent


async def recorded(store: Store) -> int:
    """How many tokens of output the records add up to."""
    tokens = 0
    for scope in await store.scopes():
        for record in await store.records(scope, 0, 2**40, limit=100_000):
            tokens += msgspec.json.decode(record.data).get("tokens", {}).get("output_tokens", 0)
    return tokens


async def equality(store: Store, upstream: Faultd) -> int:
    """Wait until budget and records are what the upstream bills; what that is."""
    while not await _equal(store, upstream):  # noqa: ASYNC110 - other processes make it true
        await asyncio.sleep(0.05)
    return await spent(store)


async def _equal(store: Store, upstream: Faultd) -> bool:
    billed = COST * len(upstream.ledger.records)
    return billed == await spent(store) == await recorded(store)


@define
class Passed:
    """What has been seen of a bad state; `off` is by how much the limit was missed in the end."""

    callers: Callers
    meanwhile: Sequence[View]
    off: int

    def check(self) -> None:
        """Nobody has waited or received nonsense, nothing was spent beyond the limit or lost."""
        assert (self.callers.hanging, self.callers.odd, self.off) == (0, [], 0)

    def judge(self, row: Bars) -> None:
        """The same as figures."""
        row.at_most(0, self.callers.hanging, "requests that hang")
        row.at_most(0, len(self.callers.odd), "answers that are no answer")
        row.at_most(0, abs(self.off), "tokens that the limit was missed by")
        slowest = percentile([view.seconds for view in self.meanwhile], 0.99)
        row.at_most(60, slowest * 1000, "ms p99 meanwhile")


async def pass_through(
    gateway: GatewayProcess, count: int, enter: Change, leave: Change
) -> tuple[Callers, Sequence[View]]:
    """Ask before, in and after a bad state, until the limit is reached; those seen in it too."""
    callers = Callers(gateway)
    await callers.until(200)
    await callers.send(count // 4)
    enter()
    meanwhile = await callers.send(count)
    leave()
    await callers.until(429)
    return callers, meanwhile
