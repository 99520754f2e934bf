"""Callers that leave before a provider was called: nothing is billed to them."""

import asyncio
from contextlib import suppress
from pathlib import Path

from jackfield import CallNext, Exchange, Plugin, Response, Target, hookimpl
from jackfield.store import Account
from jackfield.testing.gateway import admin_of, client_of, observed_gateway

from .conftest import Office

TOML = """
[prices."fake/*"]
input = 1.0
output = 2.0

[plugins.budgets.limits.all]
limit = "1000.00"

[plugins.usage]

[plugins.queue]
"""


class Queue(Plugin):
    """Has calls wait for good."""

    def __init__(self, config: object) -> None:
        super().__init__(config)
        self.entered = asyncio.Event()

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Wait."""
        self.entered.set()
        await asyncio.Event().wait()
        return await call_next(target)


async def test_who_leaves_before_the_call_has_begun_pays_nothing(tmp_path: Path) -> None:
    gateway = observed_gateway(TOML, {"queue": Queue}, directory=tmp_path)
    async with gateway:
        office = Office(gateway, client_of(gateway), admin_of(gateway))
        asking = asyncio.ensure_future(office.client.chat(max_tokens=1000))
        await office.client.plugin("queue").entered.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        (record,) = await office.records()
        await office.client.plugin("budgets")._allowances.stop()
        account = (Account("", "budget:all"), 0)
        (balance,) = await gateway.setup.store.balances([account])
    assert (record["cost"], record["tokens"]) == (0, {})
    assert (balance.spent, balance.held) == (0, 0)
