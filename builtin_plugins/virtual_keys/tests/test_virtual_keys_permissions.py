"""Permissions by name: those of endpoints can be granted, mistyped ones cannot."""

from pathlib import Path
from typing import Any

import pytest

from jackfield import Exchange, Plugin, Response, Setup
from jackfield.admin import admin_endpoint
from jackfield.catalogue import Catalogue
from jackfield.errors import ConfigError


class Forecasts(Plugin):
    """Has an endpoint with a permission of its own."""

    async def start(self, setup: Setup) -> None:
        answer = self.answer
        setup.add_endpoint(admin_endpoint("GET", "/forecast", answer, permission="forecasts"))

    async def answer(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        return Response(200, b"{}")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("inferense", "there is no permission 'inferense'; did you mean 'inference'?"),
        ("file", "there is no permission 'file'; did you mean 'files'?"),
        ("manage", "there is no permission 'manage'; there are admin, batches, "),
        ("public", "there is no permission 'public'; there are admin, batches, "),
    ],
)
async def test_a_permission_that_no_endpoint_needs_is_refused(
    office: Any, word: str, reason: str
) -> None:
    for kind, item in [
        ("organizations", {"name": "new"}),
        ("teams", {"name": "new", "organization": "acme"}),
        ("keys", {"organization": "acme"}),
    ]:
        given = {**item, "permissions": ["inference", word]}
        refused = await office.admin.post(f"/jackfield/{kind}", json=given)
        error = (await refused.json())["error"]
        assert (refused.status, error["param"]) == (400, "permissions")
        assert reason in error["message"]
    refused = await office.change("organizations/acme", permissions=[word])
    assert (refused.status, reason in str(await refused.json())) == (400, True)


async def test_what_a_front_door_needs_that_is_closed_may_be_granted(office: Any) -> None:
    words = ["inference", "models", "files", "batches", "resources", "usage", "explain", "admin"]
    made = await office.create("organizations", name="new", permissions=words)
    assert made["permissions"] == words


async def test_a_permission_of_a_plugin_is_known_while_the_plugin_is_there(
    office_with: Any, tmp_path: Path
) -> None:
    async with office_with("", "[plugins.forecasts]", {"forecasts": Forecasts}) as office:
        await office.create("organizations", name="acme", permissions=["forecasts"])
    async with office_with() as office:
        kept = await office.change("organizations/acme", permissions=["forecasts", "models"])
        assert kept.status == 200
        refused = await office.admin.post(
            "/jackfield/organizations", json={"name": "b", "permissions": ["forecasts"]}
        )
        assert refused.status == 400


async def test_a_mistyped_permission_in_the_file_is_reported_at_its_line(office_with: Any) -> None:
    table = '[plugins.virtual_keys.organizations.acme]\npermissions = ["inferense"]\n'
    with pytest.raises(ConfigError) as refused:
        async with office_with(table):
            pass
    (problem,) = refused.value.problems
    assert "plugins.virtual_keys.organizations.acme.permissions" in problem
    assert "did you mean 'inference'?" in problem


async def test_a_lifetime_that_is_too_long_is_compared_in_its_own_units(office: Any) -> None:
    await office.create("organizations", name="new", max_lifetime="90d")
    refused = await office.admin.post(
        "/jackfield/keys", json={"organization": "new", "max_lifetime": "13w"}
    )
    assert "max_lifetime: 13w is longer than 90d" in str(await refused.json())
