"""Callers that leave, stores that are away, attempts that race: each is charged once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from jackfield import CallNext, Exchange, Plugin, Response, Setup, Target, hookimpl
from jackfield.messages import Usage
from jackfield.store import Account, Acquired, Claim, Entry, Lease, StoreUnavailable, Value
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.provider import Reply

TOML = """
[upstream]
retries = 0

[providers.openai]
base_url = "http://127.0.0.1:9/v1"

[prices."fake/*"]
input = 1.0
output = 2.0

[plugins.flaky]

[plugins.budgets.limits.all]
limit = "1000.00"
"""


@define(eq=False)
class FlakyStore(MemoryStore):
    """A store that may be away."""

    away: bool = False
    scanned: asyncio.Event = field(factory=asyncio.Event)

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("It is away.")

    async def get(self, scope: str, key: str) -> Value | None:
        self._check()
        return await super().get(scope, key)

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        self._check()
        return await super().acquire(owner, claims, lease=lease)

    async def post(
        self, owner: str, first: int, entries: Sequence[Entry], *, gap: bool = False
    ) -> int:
        self._check()
        return await super().post(owner, first, entries, gap=gap)

    async def renew(self, owner: str, *, lease: float) -> Lease:
        self._check()
        return await super().renew(owner, lease=lease)

    async def scan(
        self, scope: str, prefix: str = "", *, after: str = "", limit: int = 100
    ) -> list[Value]:
        self.scanned.set()
        self._check()
        return await super().scan(scope, prefix, after=after, limit=limit)


class Flaky(Plugin):
    """Brings the store."""

    brings_store = True
    store: FlakyStore

    async def start(self, setup: Setup) -> None:
        self.store = FlakyStore()
        setup.add_store(self.store)


class Hedge(Plugin):
    """Asks two targets at once, and hands on what comes first."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        calls = [asyncio.ensure_future(call_next(target)) for _ in range(2)]
        done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for call in pending:
            call.cancel()
        await asyncio.wait(calls)
        return done.pop().result()


PLUGINS = {"flaky": Flaky, "hedge": Hedge}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[GatewayClient]:
    async with run_gateway(TOML, PLUGINS, directory=tmp_path) as client:
        client.fake.always(Reply(("Hi", "there"), usage=Usage(1000, 500)))
        yield client


def body(**fields: Any) -> dict[str, Any]:
    wire = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}
    return {**wire, "max_tokens": 1000, **fields}


async def ask(client: GatewayClient, **fields: Any) -> Any:
    return await client.post("/v1/chat/completions", json=body(**fields))


async def totals(client: GatewayClient) -> tuple[int, int]:
    """What is spent and what is held, once all has been posted."""
    plugin = client.plugin("budgets")
    await plugin._allowances.stop()
    balances = await client.plugin("flaky").store.balances([(Account("", "budget:all"), 0)])
    return balances[0].spent, balances[0].held


WHOLE = 2_000_000


async def test_a_caller_that_leaves_a_stream_pays_what_could_have_come(
    client: GatewayClient,
) -> None:
    answer = await ask(client, stream=True)
    await anext(answer.batches())
    await answer.disconnect()
    spent, held = await totals(client)
    assert spent > 1000 * 2000
    assert held == 0


async def test_a_caller_that_leaves_before_the_answer_pays_once(client: GatewayClient) -> None:
    gate = client.fake.hold()
    pending = client.send("POST", "/v1/chat/completions", json=body())
    await gate.reached()
    pending.disconnect()
    await pending
    spent, held = await totals(client)
    assert spent > 1000 * 2000
    assert held == 0


async def test_both_attempts_of_a_hedge_are_charged(tmp_path: Path) -> None:
    toml = TOML.replace("[plugins.budgets", "[plugins.hedge]\n[plugins.budgets", 1)
    async with run_gateway(toml, PLUGINS, directory=tmp_path) as client:
        gate = client.fake.hold()
        client.fake.always(Reply(("Hi",), usage=Usage(1000, 500)))
        assert (await ask(client)).status == 200
        gate.open()
        spent, held = await totals(client)
        assert spent > WHOLE + 1000 * 2000
        assert held == 0


async def test_while_the_store_is_away_slices_are_spent_and_then_it_is_said_at_once(
    client: GatewayClient,
) -> None:
    for _ in range(50):
        assert (await ask(client)).status == 200
    client.plugin("flaky").store.away = True
    statuses = [(await ask(client)).status for _ in range(400)]
    assert statuses[0] == 200
    assert statuses[-1] == 503
    refused = await ask(client)
    assert (await refused.json())["error"]["code"] == "budget_unavailable"
    client.plugin("flaky").store.away = False
    served = 50 + statuses.count(200)
    await client.plugin("budgets")._ledger.flush()
    assert await totals(client) == (served * WHOLE, 0)


async def test_a_soft_budget_needs_no_store(tmp_path: Path) -> None:
    toml = f"{TOML}hard = false\n"
    async with run_gateway(toml, PLUGINS, directory=tmp_path) as client:
        client.fake.always(Reply(("Hi",), usage=Usage(1000, 500)))
        client.plugin("flaky").store.away = True
        for _ in range(5):
            assert (await ask(client)).status == 200
        client.plugin("flaky").store.away = False
        assert await totals(client) == (5 * WHOLE, 0)


async def test_a_store_that_does_not_know_the_budgets_yet_refuses(client: GatewayClient) -> None:
    current = client.plugin("budgets").current
    current.is_read = False
    refused = await ask(client)
    assert refused.status == 503
    assert (await refused.json())["error"]["code"] == "budget_unavailable"


async def test_a_provider_that_cannot_be_reached_bills_nothing(tmp_path: Path) -> None:
    toml = TOML.replace("fake/*", "openai/*")
    async with run_gateway(toml, PLUGINS, directory=tmp_path) as client:
        assert (await ask(client, model="openai/gpt")).status == 502
        assert await totals(client) == (0, 0)


async def test_more_than_was_reserved_is_charged_and_told(
    client: GatewayClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.fake.always(Reply(("Hi",), usage=Usage(1000, 50_000)))
    assert (await ask(client)).status == 200
    assert (await totals(client))[0] == 1000 * 1000 + 50_000 * 2000
    assert client.plugin("budgets").overspent == 1
    assert "more than was reserved" in caplog.text


async def test_a_warning_is_posted_to_a_webhook_until_it_is_taken(tmp_path: Path) -> None:
    async with FakeUpstream() as server:
        server.reply(b"busy", status=503)
        server.reply(b"ok")
        toml = TOML.replace(
            "[plugins.budgets.limits.all]",
            f'[plugins.budgets]\nwebhook = "{server.base_url}/hook?x=1"\n'
            "[plugins.budgets.limits.all]\nwarn_at = [0.5]",
        ).replace("1000.00", "0.01")
        async with run_gateway(toml, PLUGINS, directory=tmp_path) as client:
            client.fake.always(Reply(("Hi",), usage=Usage(1000, 2000)))
            assert (await ask(client, max_tokens=2000)).status == 200
            plugin = client.plugin("budgets")
            await plugin._ledger.flush()
            await plugin.watch.look()
            await plugin._webhook.sent.wait()
        warning = server.requests[1]
        assert warning.path == "/hook?x=1"
        assert b'"budget_threshold"' in warning.body
        assert b'"threshold":0.5' in warning.body


async def test_a_warning_that_no_webhook_takes_is_dropped_with_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackfield_budgets.webhook._PAUSES", (0.0, 0.0))
    async with FakeUpstream() as server:
        for _ in range(2):
            server.reply(b"busy", status=503)
        table = f'[plugins.budgets]\nwebhook = "{server.base_url}/hook"\n'
        toml = TOML.replace("[plugins.budgets.limits.all]", f"{table}[plugins.budgets.limits.all]")
        async with run_gateway(
            toml.replace("1000.00", "0.01"), PLUGINS, directory=tmp_path
        ) as client:
            client.fake.always(Reply(("Hi",), usage=Usage(1000, 2000)))
            assert (await ask(client, max_tokens=2000)).status == 200
            await client.plugin("budgets").watch.look()
            await client.plugin("budgets")._webhook._waiting.join()
    assert "did not accept a warning, now dropped: it answered with status 503" in caplog.text


async def test_a_store_that_stays_away_is_logged_once(
    client: GatewayClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("jackfield_budgets.current_budgets._RETRY", 0.01)
    store = client.plugin("flaky").store
    for _ in range(2):
        store.away = True
        await store.publish("admin/budgets/", b"other")
        for _ in range(3):
            store.scanned.clear()
            await store.scanned.wait()
        store.away = False
        store.scanned.clear()
        await store.scanned.wait()
    assert caplog.text.count("changes of budgets are read later") == 2


async def test_a_warning_that_waits_when_the_gateway_stops_is_sent(tmp_path: Path) -> None:
    async with FakeUpstream() as server:
        server.reply(b"ok")
        hook = f'[plugins.budgets]\nwebhook = "{server.base_url}/hook"\n'
        toml = TOML.replace("[plugins.budgets.limits.all]", hook + "[plugins.budgets.limits.all]")
        async with run_gateway(
            toml.replace("1000.00", "0.01"), PLUGINS, directory=tmp_path
        ) as client:
            client.fake.always(Reply(("Hi",), usage=Usage(1000, 2000)))
            assert (await ask(client, max_tokens=2000)).status == 200
            await client.plugin("budgets").watch.look()
        assert [b'"threshold":0.5' in request.body for request in server.requests] == [True]


async def test_what_another_plugin_answers_is_free(tmp_path: Path) -> None:
    class Cache(Plugin):
        @hookimpl
        async def call_provider(
            self, exchange: Exchange, target: Target, call_next: CallNext
        ) -> Response:
            return Response(200, b'{"id": "kept", "choices": []}')

    toml = f"{TOML}\n[plugins.cache]\n"
    async with run_gateway(toml, {**PLUGINS, "cache": Cache}, directory=tmp_path) as client:
        assert (await ask(client)).status == 200
        assert await totals(client) == (0, 0)
