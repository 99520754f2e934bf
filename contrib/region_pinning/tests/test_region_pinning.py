"""Where requests of tenants go, and where they never go."""

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.testing import FakeProvider, GatewayClient, check_plugin, run_gateway

CONFIG = """
[providers.paris]
use = "fake"
region = "eu"

[providers.oregon]
use = "fake"
region = "us"

[providers.nowhere]
use = "fake"

[models.chat]
targets = ["oregon/echo"]
fallbacks = ["nowhere/echo", "paris/echo"]

[models.far]
targets = [{ model = "nowhere/echo", region = "ap" }]

[plugins.tenants]

[plugins.region_pinning]
regions = { acme = "eu", globex = "us", initech = "ap" }
"""

test_laws = check_plugin("region_pinning", config={"regions": {"acme": "eu"}})


class Tenants(Plugin):
    """Takes the tenant from a header."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        permissions = exchange.principal.permissions
        tenant = exchange.request.headers.get("x-tenant", "nobody")
        exchange.set_principal(Principal(tenant, permissions=permissions))


async def chosen(client: GatewayClient, tenant: str, model: str = "chat") -> tuple[int, str]:
    """The status, and which provider was called."""
    answer = await client.chat(model=model, headers={"x-tenant": tenant})
    providers = [one for one in client.plugins.values() if isinstance(one, FakeProvider)]
    return answer.status, "".join(one.name for one in providers if one.requests)


async def test_a_tenant_stays_in_its_region() -> None:
    async with run_gateway(CONFIG, {"tenants": Tenants}) as client:
        assert await chosen(client, "acme") == (200, "paris")


async def test_a_target_may_have_a_region_of_its_own() -> None:
    async with run_gateway(CONFIG, {"tenants": Tenants}) as client:
        assert await chosen(client, "initech", "far") == (200, "nowhere")


async def test_a_tenant_without_a_region_goes_anywhere() -> None:
    async with run_gateway(CONFIG, {"tenants": Tenants}) as client:
        assert await chosen(client, "nobody") == (200, "oregon")


async def test_a_default_region_holds_for_every_other_tenant() -> None:
    config = CONFIG + 'default = "eu"\n'
    async with run_gateway(config, {"tenants": Tenants}) as client:
        assert await chosen(client, "nobody") == (200, "paris")


async def test_a_request_never_leaves_its_region_even_when_no_target_is_left() -> None:
    async with run_gateway(CONFIG, {"tenants": Tenants}) as client:
        status, provider = await chosen(client, "globex", "far")
        assert (status, provider) == (502, "")
        assert "globex is pinned to us" in str(client.settled[-1].outcome.error)


async def test_the_plan_says_why_a_target_was_dropped() -> None:
    async with run_gateway(CONFIG, {"tenants": Tenants}) as client:
        await chosen(client, "acme")
        plan = client.settled[-1].exchange.plan
        assert plan is not None
        decision = plan.decisions[-1]
        assert decision.by == "region_pinning"
        assert decision.what == "drop oregon/echo, nowhere/echo"
        assert decision.because == "acme is pinned to eu"
