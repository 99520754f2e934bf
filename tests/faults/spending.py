"""A gateway with one budget of tokens: what it has to be configured with, and what it has spent."""

import asyncio
from collections.abc import Sequence

import aiohttp
import msgspec
from attrs import define, field
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config
from tests.faults.views import PATHS, View, ask, chat

from jackfield.store import Account, Store

COST = 12
"""Tokens that the upstream bills for each of its good answers."""

ACCOUNT = Account("", "budget:all")
PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 20.0}
HANGING = 5.0
"""Seconds after which a request counts as hanging, on a machine that may be busy."""


def spending(upstream: Faultd, limit: int, *tables: str, server: str = "") -> str:
    """The configuration of a gateway that may spend so many tokens."""
    budget = (
        f'[plugins.budgets.limits.all]\nlimit = {limit}\nunit = "tokens"\nwindow = "none"\n'
        "[plugins.budgets]\ndefault_max_tokens = 7\n[plugins.usage]\n"
    )
    return config(upstream.base_url, budget, *tables, server=server, timeouts=PATIENT)


@define(eq=False)
class Callers:
    """Ask one after the other, some at once; `views` has what they saw."""

    gateway: GatewayProcess
    at_once: int = 4
    views: list[View] = field(factory=list)

    async def ask(self, count: int) -> Sequence[View]:
        """Ask so many requests; what came of them."""
        left = iter(range(count))
        seen: list[View] = []
        async with aiohttp.ClientSession(self.gateway.url) as session:

            async def one() -> None:
                for _ in left:
                    seen.append(await ask(session, PATHS["chat"], chat("same/m"), limit=HANGING))

            await asyncio.gather(*[one() for _ in range(self.at_once)])
        self.views += seen
        return seen

    async def until_served(self) -> None:
        """Ask until an answer comes."""
        while (await self.ask(1))[0].status not in (200, 429):
            await asyncio.sleep(0.05)

    @property
    def hanging(self) -> int:
        """How many did not get an answer in time."""
        return sum(view.kind == "hang" for view in self.views)

    @property
    def odd(self) -> Sequence[View]:
        """Those that were neither served, nor refused in good order, nor told to come back."""
        return [view for view in self.views if view.status not in (200, 429, 503)]


async def spent(store: Store) -> int:
    """What the budget says has been spent."""
    (balance,) = await store.balances([(ACCOUNT, 0)])
    return balance.spent


async def recorded(store: Store) -> int:
    """How many tokens the records add up to."""
    tokens = 0
    for scope in await store.scopes():
        for record in await store.records(scope, 0, 2**40, limit=100_000):
            tokens += sum(msgspec.json.decode(record.data).get("tokens", {}).values())
    return tokens


async def equal(store: Store, upstream: Faultd) -> bool:
    """Whether budget and records are what the upstream bills."""
    billed = COST * len(upstream.ledger.records)
    return billed == await spent(store) == await recorded(store)
