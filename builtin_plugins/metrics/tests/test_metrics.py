"""What is counted of a request, as Prometheus reads it."""

import shutil
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, Counter, Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.testing import GatewayClient, run_gateway

PROMTOOL = shutil.which("promtool")
TOML = "[upstream]\nretries = 0\n[plugins.metrics]\n"
ECHO = {
    "gen_ai_operation_name": "chat",
    "gen_ai_provider_name": "fake",
    "gen_ai_request_model": "echo",
}
NAMELESS = {**ECHO, "gen_ai_request_model": ""}


async def scraped(gateway: GatewayClient) -> dict[str, Metric]:
    answer = await gateway.get("/metrics")
    assert answer.status == 200
    text = (await answer.read()).decode()
    return {metric.name: metric for metric in text_string_to_metric_families(text)}


def value(metric: Metric, ending: str = "", labels: Mapping[str, str] | None = None) -> float:
    """The sum of the samples that have these labels, and perhaps others."""
    wanted = (labels or {}).items()
    name = metric.name + ending
    return sum(s.value for s in metric.samples if s.name == name and wanted <= s.labels.items())


async def test_requests_are_counted_with_their_time_and_their_tokens() -> None:
    async with run_gateway(TOML) as gateway:
        await gateway.chat("Hello there")
        await (await gateway.chat("Hello there", stream=True)).read()
        found = await scraped(gateway)
    answered = {"gen_ai_operation_name": "chat", "status": "200", "outcome": "answered"}
    assert value(found["jackfield_requests"], "_total", answered) == 2
    assert value(found["gen_ai_server_request_duration_seconds"], "_count", ECHO) == 2
    assert value(found["jackfield_attempt_duration_seconds"], "_count", ECHO) == 2
    assert value(found["gen_ai_server_time_to_first_token_seconds"], "_count", ECHO) == 1
    tokens = found["gen_ai_client_token_usage"]
    assert value(tokens, "_count", {**ECHO, "gen_ai_token_type": "input"}) == 2
    assert value(tokens, "_sum", {**ECHO, "gen_ai_token_type": "output"}) > 0
    assert value(found["jackfield_plugin_duration_seconds"], "_total", {"plugin": "metrics"}) > 0
    assert value(found["jackfield_requests_in_flight"]) == 0


async def test_cost_is_what_the_price_book_says() -> None:
    price = '[prices."fake/*"]\ninput = 1_000_000.0\noutput = 0.0\n'  # a dollar for each token
    async with run_gateway(TOML + price) as gateway:
        await gateway.chat("Hello there")
        found = await scraped(gateway)
    tokens = value(found["gen_ai_client_token_usage"], "_sum", {"gen_ai_token_type": "input"})
    assert value(found["jackfield_cost_dollars"], "_total", ECHO) == tokens > 0


async def test_a_fallback_is_two_attempts_of_one_request() -> None:
    alias = '[models.fast]\ntargets = ["fake/first"]\nfallbacks = ["fake/second"]\n'
    async with run_gateway(TOML + alias) as gateway:
        gateway.fake.fail(500)
        await gateway.chat(model="fast")
        found = await scraped(gateway)
    attempts = found["jackfield_attempt_duration_seconds"]
    assert value(attempts, "_count", {"error_type": "provider_error"}) == 1
    assert value(attempts, "_count", {"gen_ai_request_model": "second", "error_type": ""}) == 1
    assert value(found["jackfield_requests"], "_total", {"outcome": "answered"}) == 1


async def test_a_model_that_never_answered_has_no_series_of_its_own() -> None:
    async with run_gateway(TOML) as gateway:
        for number in range(3):
            gateway.fake.fail(404)
            await gateway.chat(model=f"fake/invented-{number}")
        found = await scraped(gateway)
    assert value(found["gen_ai_server_request_duration_seconds"], "_count", NAMELESS) == 3


class Failing(Plugin):
    """Fails in a hook, and is skipped."""

    on_error = "skip"

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        raise RuntimeError


async def test_a_failing_plugin_is_counted() -> None:
    async with run_gateway(TOML + "[plugins.failing]", {"failing": Failing}) as gateway:
        await gateway.chat()
        found = await scraped(gateway)
    failed = {"plugin": "failing", "hook": "pre_request"}
    assert value(found["jackfield_plugin_failures"], "_total", failed) == 1


async def test_each_plugin_has_its_own_time() -> None:
    async with run_gateway(TOML + "[plugins.usage]") as gateway:  # which brings a store
        await gateway.chat()
        found = await scraped(gateway)
    (spent, failures) = (found[f"jackfield_plugin_{of}"] for of in ("duration_seconds", "failures"))
    assert value(spent, "_total", {"plugin": "usage"}) > 0
    assert failures.samples == []


class Tenant(Plugin):
    """Gives every caller a tenant, and the permissions in a header."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        permissions = exchange.request.headers.get("x-may", "inference metrics").split()
        exchange.set_principal(Principal("acme", permissions=frozenset(permissions)))


@pytest.mark.parametrize(("tenants", "tenant"), [("true", "acme"), ("false", None)])
async def test_tenants_have_series_of_their_own_on_request(
    tenants: str, tenant: str | None
) -> None:
    toml = f"{TOML}tenants = {tenants}\n[plugins.tenant]\n"
    async with run_gateway(toml, {"tenant": Tenant}) as gateway:
        await gateway.chat()
        requests = (await scraped(gateway))["jackfield_requests"]
    (sample,) = [one for one in requests.samples if one.name.endswith("_total")]
    assert (sample.value, sample.labels.get("tenant")) == (1, tenant)


async def test_a_caller_needs_the_permission_and_the_admin_listener_has_it_too() -> None:
    async with run_gateway(TOML + "[plugins.tenant]\n", {"tenant": Tenant}) as gateway:
        assert (await gateway.get("/metrics", headers={"x-may": "inference"})).status == 403
    async with run_gateway(TOML) as gateway:
        assert (await gateway.admin.get("/metrics")).status == 200


@pytest.mark.skipif(PROMTOOL is None, reason="apt install prometheus")
async def test_prometheus_has_nothing_to_complain_of() -> None:
    async with run_gateway(TOML) as gateway:
        await gateway.chat()
        text = await (await gateway.get("/metrics")).read()
    checking = await create_subprocess_exec(
        PROMTOOL or "", "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    _, complaints = await checking.communicate(text)
    assert (checking.returncode, complaints) == (0, b"")


async def test_openmetrics_is_given_to_those_who_want_it() -> None:
    async with run_gateway(TOML) as gateway:
        await gateway.chat()
        accept = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        answer = await gateway.get("/metrics", headers=accept)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        parse: Any = openmetrics.text_string_to_metric_families  # which has no types
        families = parse((await answer.read()).decode())
        assert "jackfield_requests" in {family.name for family in families}


async def test_what_other_plugins_count_is_shown_too() -> None:
    mine = Counter("cache_hits", "Answers from the cache.")
    try:
        mine.inc(3)
        async with run_gateway(TOML) as gateway:
            found = await scraped(gateway)
    finally:
        REGISTRY.unregister(mine)
    assert value(found["cache_hits"], "_total") == 3


async def test_what_other_plugins_count_is_counted_once_when_a_reload_replaces_the_plugin(
    tmp_path: Path,
) -> None:
    toml = f'[server]\nstate_dir = "{tmp_path}"\n{TOML}'
    mine = Counter("cache_misses", "Answers that were not in the cache.")
    try:
        async with AsyncExitStack() as old:
            await scraped(await old.enter_async_context(run_gateway(toml)))
            mine.inc(3)
            async with run_gateway(toml) as gateway:
                await old.aclose()
                mine.inc()
                found = await scraped(gateway)
        async with run_gateway(toml) as gateway:
            again = await scraped(gateway)
    finally:
        REGISTRY.unregister(mine)
    assert [value(one["cache_misses"], "_total") for one in (found, again)] == [4, 4]
