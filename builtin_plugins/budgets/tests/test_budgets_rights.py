"""Who may change a budget: not who falls under it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import evolve

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.admin import permissions_of
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import admin_of, observed_gateway

TOML = """
[plugins.badges]
[plugins.budgets]
"""
ANN = Principal(
    tenant="acme",
    key_id="ann",
    permissions=permissions_of("admin"),
    scopes=("organization:acme", "user:ann", "key:ann"),
    role="admin",
)
BOB = evolve(ANN, key_id="bob", scopes=("organization:acme", "team:search", "key:bob"))
BUDGETS = {
    "all": {"scope": "gateway"},
    "acme": {"scope": "organization:acme"},
    "search": {"scope": "team:search"},
    "own": {"scope": "key:ann"},
    "ads": {"scope": "team:ads"},
    "keys": {"scope": "key:*"},
    "teams": {"scope": "team:*"},
    "large": {"scope": "model:fake/large"},
    "fake": {"scope": "provider:fake"},
    "talks": {"scope": "session"},
    "chat": {"scope": "tag:feature=chat"},
}


class Badges(Plugin):
    """Takes who shows a badge for Ann, who administers acme, or Bob, who does a team of it."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if "x-badge" in exchange.request.headers:
            exchange.set_principal({"ann": ANN, "bob": BOB}[exchange.request.headers["x-badge"]])


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[GatewayClient]:
    gateway = observed_gateway(TOML, {"badges": Badges}, directory=tmp_path)
    async with gateway:
        admin = admin_of(gateway)
        for name, fields in BUDGETS.items():
            made = {"name": name, "organization": "acme", "limit": "5.00", **fields}
            assert (await admin.post("/jackfield/budgets", json=made)).status == 201
        yield admin


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("bob", "search"),
        *(("ann", one) for one in ("all", "acme", "own", "keys", "large", "fake", "talks", "chat")),
    ],
)
async def test_who_falls_under_a_budget_does_not_change_it(
    admin: GatewayClient, who: str, name: str
) -> None:
    path, badge = f"/jackfield/budgets/{name}", {"x-badge": who}
    refused = await admin.send("PATCH", path, json={"limit": "9.00"}, headers=badge)
    assert refused.status == 403
    assert "applies to this key itself" in (await refused.json())["error"]["message"]
    assert (await admin.send("DELETE", path, headers=badge)).status == 403
    assert (await (await admin.get(path)).json())["limit"] == "5.00"


@pytest.mark.parametrize("name", ["ads", "teams"])
async def test_an_administrator_changes_budgets_of_others(admin: GatewayClient, name: str) -> None:
    path, badge = f"/jackfield/budgets/{name}", {"x-badge": "ann"}
    changed = await admin.send("PATCH", path, json={"limit": "9.00"}, headers=badge)
    assert changed.status == 200
    assert (await admin.send("DELETE", path, headers=badge)).status < 300


async def test_who_administers_a_team_makes_budgets_for_that_alone(admin: GatewayClient) -> None:
    for team, status in ("search", 201), ("ads", 403):
        fields = {"name": f"{team}-day", "scope": f"team:{team}", "limit": "1.00"}
        made = await admin.post("/jackfield/budgets", json=fields, headers={"x-badge": "bob"})
        assert made.status == status
    assert (await admin.get("/jackfield/budgets/ads", headers={"x-badge": "bob"})).status == 404


async def test_who_belongs_to_no_organization_changes_all(admin: GatewayClient) -> None:
    changed = await admin.send("PATCH", "/jackfield/budgets/acme", json={"limit": "9.00"})
    assert changed.status == 200
