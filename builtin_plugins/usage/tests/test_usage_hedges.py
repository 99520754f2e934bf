"""Attempts that race: each that may be billed has a record, as budgets charge it."""

import asyncio
from pathlib import Path

import pytest

from jackfield import CallNext, Exchange, Plugin, Response, Target, hookimpl
from jackfield.messages import Usage
from jackfield.store import Account
from jackfield.testing.gateway import admin_of, client_of, observed_gateway
from jackfield.testing.provider import Reply

from .conftest import Office

TOML = """
[upstream]
retries = 0

[prices."fake/*"]
input = 1.0
output = 2.0

[plugins.hedge]

[plugins.budgets.limits.all]
limit = "1000.00"

[plugins.usage]
"""
WHOLE = 2_000_000


class Hedge(Plugin):
    """Asks twice at once, hands on what comes first and cancels the other."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Race."""
        calls = [asyncio.ensure_future(call_next(target)) for _ in range(2)]
        done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for call in pending:
            call.cancel()
        await asyncio.wait(calls)
        return done.pop().result()


@pytest.mark.parametrize("stream", [False, True])
async def test_the_attempt_that_was_cancelled_is_recorded_as_budgets_charge_it(
    tmp_path: Path, stream: bool
) -> None:
    gateway = observed_gateway(TOML, {"hedge": Hedge}, directory=tmp_path)
    async with gateway:
        office = Office(gateway, client_of(gateway), admin_of(gateway))
        gate = office.client.fake.hold()
        office.client.fake.always(Reply(("Hi",), usage=Usage(1000, 500)))
        answer = await office.client.chat(max_tokens=1000, stream=stream)
        assert answer.status == 200
        await answer.read()
        gate.open()
        first, second = sorted(await office.records(), key=lambda one: one["cost"])
        (row,) = await office.rows("by=model")
        await office.client.plugin("budgets")._allowances.stop()
        account = (Account("", "budget:all"), 0)
        (balance,) = await gateway.setup.store.balances([account])
    assert (first["basis"], first["cost"]) == ("reported", WHOLE)
    assert second["basis"] == "estimated"
    assert second["cost"] > 1000 * 2000
    assert sorted(one["request"] for one in (first, second)) in (
        ["", first["id"]],
        ["", second["id"]],
    )
    assert (row["requests"], row["cost_nano"]) == (1, first["cost"] + second["cost"])
    assert (balance.spent, balance.held) == (row["cost_nano"], 0)
