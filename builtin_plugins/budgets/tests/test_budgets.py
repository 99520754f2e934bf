"""What a budget lets through, what it refuses, and what is charged in the end."""

from pathlib import Path

import pytest
from builtin_plugins.budgets.tests.gateways import (
    PLUGINS,
    PRICES,
    budget,
    chat,
    gateway,
    held,
    spent,
    uses,
)

from jackfield import Principal
from jackfield.adjustments import Adjustment
from jackfield.allowances import Limit, LimitReached
from jackfield.plan import Target
from jackfield.store import Account, Balance
from jackfield.testing import FakeUpstream, run_gateway
from jackfield.windows import parse_window
from jackfield_budgets.budget import Budget
from jackfield_budgets.budget_set import BudgetAccount, BudgetTable
from jackfield_budgets.refusals import exceeded

MONTH = parse_window("month")


async def test_what_was_really_used_is_charged(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        uses(client, 1000, 500)
        assert (await chat(client, max_tokens=1000)).status == 200
        assert await spent(client, "all") == 1000 * 1000 + 500 * 2000
        assert await held(client, "all") == 0


async def test_a_stream_is_charged_alike(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        uses(client, 1000, 500)
        answer = await chat(client, max_tokens=1000, stream=True)
        await answer.read()
        assert await spent(client, "all") == 2_000_000


async def test_more_than_is_left_is_refused_before_it_is_spent(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="0.02")) as client:
        uses(client, 1000, 5000)
        assert (await chat(client, max_tokens=6000)).status == 200
        refused = await chat(client, max_tokens=6000)
        error = (await refused.json())["error"]
        assert (refused.status, error["code"]) == (429, "budget_exceeded")
        assert refused.headers["x-should-retry"] == "false"
        for part in ("'all'", "0.02 dollars", "per month", "0.011 dollars are spent", "resets at"):
            assert part in error["message"]
        assert len(client.fake.requests) == 1


def test_a_caller_that_waits_as_long_as_retry_after_is_not_too_early() -> None:
    limit = Limit(Account("", "budget:all"), 10**9, parse_window("hour"))
    member = BudgetAccount(Budget(limit="1.00", window="hour"), limit, 0, "", about_target=False)
    reached = LimitReached(limit, 5, Balance(10**9, 0), resets_at=3600.0)
    assert exceeded(member, reached, now=3000.4).retry_after == 600.0


async def test_a_request_larger_than_the_whole_budget_is_refused_as_such(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="0.01")) as client:
        error = (await (await chat(client, max_tokens=100_000)).json())["error"]
        assert "more than the whole budget" in error["message"]


async def test_all_nested_budgets_are_charged_and_any_can_refuse(tmp_path: Path) -> None:
    tables = (
        budget("org", scope="organization:acme", limit="10.00"),
        budget("team", scope="team:search", limit="0.01"),
        budget("keys", scope="key:*", limit=100_000, unit="tokens"),
    )
    headers = {"x-scopes": "organization:acme team:search key:one"}
    async with gateway(tmp_path, *tables) as client:
        uses(client, 100, 200)
        assert (await chat(client, headers=headers, max_tokens=300)).status == 200
        assert await spent(client, "org") == await spent(client, "team") == 500_000
        assert await spent(client, "keys/tokens:one", "acme") == 300
        refused = await chat(client, headers=headers, max_tokens=6000)
        assert "'team'" in (await refused.json())["error"]["message"]


@pytest.mark.parametrize(
    ("scope", "headers", "met"),
    [
        ("gateway", {}, True),
        ("organization:acme", {}, True),
        ("organization:globex", {}, False),
        ("user:ann", {"x-scopes": "user:ann"}, True),
        ("user:ann", {"x-scopes": "user:anna"}, False),
        ("provider:fake", {}, True),
        ("provider:openai", {}, False),
        ("model:fake/*", {}, True),
        ("model:ech*", {}, True),
        ("model:gpt*", {}, False),
        ("tag:feature=chat", {"x-jackfield-metadata": '{"feature":"chat"}'}, True),
        ("tag:feature=chat", {"x-jackfield-metadata": '{"feature":"mail"}'}, False),
        ("session", {"x-jackfield-metadata": '{"session":"1"}'}, True),
        ("session", {}, False),
    ],
)
async def test_a_budget_is_for_its_scope(
    tmp_path: Path, scope: str, headers: dict[str, str], met: bool
) -> None:
    async with gateway(tmp_path, budget("one", scope=scope, limit="0.00")) as client:
        assert (await chat(client, headers=headers, max_tokens=10)).status == (429 if met else 200)


async def test_each_session_has_an_account_of_its_own(tmp_path: Path) -> None:
    async with gateway(
        tmp_path, budget("s", scope="session", limit=20_000, unit="input_tokens")
    ) as client:
        uses(client, 19_990, 5)
        for session in ("one", "two"):
            headers = {"x-jackfield-metadata": f'{{"session":"{session}"}}'}
            assert (await chat(client, headers=headers)).status == 200
            assert (await chat(client, headers=headers)).status == 429
        assert await spent(client, "s/input_tokens:two", "acme") == 19_990


async def test_a_model_without_a_price_is_refused_under_a_hard_budget(tmp_path: Path) -> None:
    toml = '[plugins.memory]\n[plugins.callers]\n[plugins.budgets.limits.all]\nlimit = "10.00"\n'
    async with run_gateway("[providers.openai]\n" + toml, PLUGINS, directory=tmp_path) as client:
        answer = await chat(client)
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (400, "price_missing")
        assert '[prices."fake/echo"]' in error["message"]
        assert client.fake.requests == []
        assert await held(client, "all") == 0


async def test_a_model_without_a_price_is_served_under_a_soft_budget(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toml = '[plugins.memory]\n[plugins.budgets.limits.all]\nlimit = "10.00"\nhard = false\n'
    async with run_gateway("[providers.openai]\n" + toml, PLUGINS, directory=tmp_path) as client:
        assert (await chat(client, model="fake/unpriced")).status == 200
        assert "price_missing: fake/unpriced" in caplog.text


async def test_an_attempt_that_the_provider_refuses_costs_nothing(tmp_path: Path) -> None:
    own = "default_max_tokens = 100"
    async with gateway(tmp_path, budget("all", limit="1.00"), own=own) as client:
        client.fake.fail(400)
        assert (await chat(client)).status == 400
        assert await spent(client, "all") == 0
        assert await held(client, "all") == 0


async def test_every_attempt_is_charged_by_itself(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        client.fake.fail(503)
        uses(client, 1000, 500)
        assert (await chat(client, max_tokens=1000)).status == 200
        assert await spent(client, "all") == 2_000_000
        assert await held(client, "all") == 0


async def test_a_stream_that_is_cut_is_charged_what_was_reserved(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        client.fake.reply("one", "two", cut=True)
        answer = await chat(client, max_tokens=1000, stream=True)
        await answer.read()
        assert await spent(client, "all") > 1000 * 2000
        assert await held(client, "all") == 0


async def test_a_stream_that_is_cut_may_be_estimated(tmp_path: Path) -> None:
    own = '[upstream]\nunreported = "estimate"'
    async with gateway(tmp_path, budget("all", limit="1.00"), own=own) as client:
        client.fake.reply("one", "two", cut=True)
        answer = await chat(client, max_tokens=1000, stream=True)
        await answer.read()
        assert 0 < await spent(client, "all") < 100_000


async def test_a_soft_budget_warns_once_and_never_refuses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(tmp_path, budget("all", limit="0.01", hard=False)) as client:
        uses(client, 1000, 2000)
        for at in ("", "all is at 50%", "all is at 100%", "all is at 150%"):
            answer = await chat(client, max_tokens=3000)
            assert answer.status == 200
            assert answer.headers.get("x-jackfield-budget-warning", "") == at
            await client.plugins["budgets"].watch.look()
        assert await spent(client, "all") == 20_000_000
    logged = [one.getMessage() for one in caplog.records if "has reached" in one.getMessage()]
    assert [line.split("reached ")[1].split(":")[0] for line in logged] == ["50%", "80%", "100%"]


async def test_a_limit_is_set_where_there_is_none_and_shown(tmp_path: Path) -> None:
    own = "default_max_tokens = 123"
    async with gateway(tmp_path, budget("all", limit="1.00"), own=own) as client:
        answer = await chat(client)
        assert answer.headers["x-jackfield-max-tokens"] == "123"
        assert client.fake.requests[0].request.max_tokens == 123
        answer = await chat(client, max_tokens=77)
        assert "x-jackfield-max-tokens" not in answer.headers


async def test_a_budget_may_cap_the_output_of_a_request(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00", max_tokens=50)) as client:
        assert (await chat(client)).headers["x-jackfield-max-tokens"] == "50"
        refused = await chat(client, max_tokens=51)
        assert refused.status == 400
        assert "allow 50" in (await refused.json())["error"]["message"]


async def test_the_tightest_budget_is_shown(tmp_path: Path) -> None:
    tables = budget("a", limit="5.00"), budget("b", limit=10_000, unit="tokens")
    async with gateway(tmp_path, *tables) as client:
        uses(client, 100, 200)
        answer = await chat(client, max_tokens=1000)
        assert answer.headers["x-jackfield-budget-remaining"] == "9700 tokens"


async def test_another_target_serves_when_the_budget_of_one_is_spent(tmp_path: Path) -> None:
    models = '[models.chat]\ntargets = ["fake/a"]\nfallbacks = ["fake/b"]\n'
    table = budget("a", scope="model:fake/a", limit="0.00")
    async with gateway(tmp_path, table, models) as client:
        answer = await chat(client, model="chat")
        assert answer.status == 200
        assert answer.headers["x-jackfield-target"] == "fake/b"


async def test_a_dry_run_says_what_would_be_reserved_and_reserves_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        body = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}
        answer = await client.post("/jackfield/explain", json=body)
        text = (await answer.read()).decode()
        assert "reserve for fake/echo" in text
        assert "dollars of all" in text
        assert await held(client, "all") == 0


async def test_a_batch_is_refused_under_a_hard_budget_and_listing_files_is_free(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path, budget("all", limit="9.00")) as client:
        refused = await client.post("/v1/batches", json={"input_file_id": "file-1"})
        error = (await refused.json())["error"]
        assert (refused.status, error["code"]) == (400, "price_missing")
        assert 'unpriced = "allow"' in error["message"]
        assert (await client.get("/v1/files")).status == 502  # it went to the provider
        assert await spent(client, "all") == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("POST", "/v1/moderations"),
    ],
)
async def test_what_costs_nothing_needs_no_room(tmp_path: Path, method: str, path: str) -> None:
    async with gateway(tmp_path, budget("all", limit="0.01")) as client:
        uses(client, 50_000, 0)
        assert (await chat(client, max_tokens=10)).status == 200
        assert (await chat(client, max_tokens=10)).status == 429
        answer = await client.send(method, path, json={"model": "openai/some", "input": "Hello"})
        assert answer.status == 502  # it went to the provider


async def test_speech_is_charged_by_its_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "made-up-for-the-test")
    async with FakeUpstream() as server:
        server.reply(b"sound", headers={"content-type": "audio/mpeg"})
        price = '[prices."openai/tts-1"]\ncharacters = 15.0\n'
        at = f'base_url = "{server.base_url}/v1"\nkeys = ["env:SOME_KEY"]'
        toml = PRICES.replace('base_url = "http://127.0.0.1:9/v1"', at) + price
        table = budget("all", limit="9.00")
        async with run_gateway(toml + table, PLUGINS, directory=tmp_path) as client:
            body = {"model": "openai/tts-1", "input": "Hello there", "voice": "alloy"}
            answer = await client.post("/v1/audio/speech", json=body)
            assert await answer.read() == b"sound"
            assert await spent(client, "all") == 11 * 15_000


async def test_a_recording_is_charged_by_its_length_though_a_form_is_no_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "made-up-for-the-test")
    form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nopenai/w\r\n--x--\r\n'
    async with FakeUpstream() as server:
        server.reply(
            b'{"text": "Hi", "usage": {"type": "duration", "seconds": 90}}',
            headers={"content-type": "application/json"},
        )
        at = f'base_url = "{server.base_url}/v1"\nkeys = ["env:SOME_KEY"]'
        price = '[prices."openai/w"]\naudio_hour = 0.36\n'
        toml = PRICES.replace('base_url = "http://127.0.0.1:9/v1"', at) + price
        table = budget("all", limit="9.00")
        async with run_gateway(toml + table, PLUGINS, directory=tmp_path) as client:
            media = {"content-type": "multipart/form-data; boundary=x"}
            answer = await client.post("/v1/audio/transcriptions", body=form, headers=media)
            assert answer.status == 200
            assert await spent(client, "all") == 9_000_000


def test_a_correction_counts_where_and_when_the_call_was_charged() -> None:
    principal = Principal("acme", scopes=("organization:acme", "team:search"))
    table = BudgetTable.of(
        [
            ("all", Budget(limit="1.00", window="day")),
            ("search", Budget(limit="1.00", scope="team:search", hard=False)),
            ("ads", Budget(limit="1.00", scope="team:ads")),
            ("tokens", Budget(limit="1000", unit="tokens", scope="organization:acme")),
        ]
    )
    change = Adjustment(principal, Target("up", "m"), "m", {}, 100_000.0, -500, -7, -20)
    debits = {debit.account.name: (debit.bucket, debit.amount) for debit in table.adjusted(change)}
    assert debits.keys() == {"budget:all", "budget:search", "budget:tokens/tokens"}
    assert debits["budget:all"] == (parse_window("day").span(100_000.0).bucket, -500)
    assert debits["budget:tokens/tokens"][1] == -27
