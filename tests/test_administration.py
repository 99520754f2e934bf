"""The admin API of a gateway with every built-in plugin that administrators deal with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from jackfield.commands import main
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import admin_of, observed_gateway

TOML = """
[plugins.virtual_keys]
[plugins.audit]
[plugins.rate_limits.limits.all]
requests = 100
[plugins.budgets]
[plugins.usage]
"""


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[GatewayClient]:
    gateway = observed_gateway(TOML, directory=tmp_path)
    async with gateway:
        yield admin_of(gateway)


async def test_the_openapi_document_is_valid_and_has_each_parameter_once(
    admin: GatewayClient,
) -> None:
    document = await (await admin.get("/jackfield/openapi.json")).json()
    validate(document)
    listed = document["paths"]["/jackfield/budgets"]["get"]["parameters"]
    (limit,) = [one["schema"] for one in listed if one["name"] == "limit"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 1000}
    assert (await admin.get("/jackfield/budgets?limit=1")).status == 200


async def test_the_openapi_document_has_the_parameters_of_usage_reports(
    admin: GatewayClient,
) -> None:
    paths = (await (await admin.get("/jackfield/openapi.json")).json())["paths"]
    names = {
        path: {one["name"] for one in paths[f"/jackfield/usage{path}"]["get"]["parameters"]}
        for path in ("", "/records")
    }
    assert {"by", "per", "zone", "from", "until", "format", "team"} <= names[""]
    assert {"limit", "after", "zone", "team"} <= names["/records"]
    assert not {"limit", "after"} & names[""]
    assert not {"by", "per", "format"} & names["/records"]


async def test_an_idempotency_key_of_one_collection_is_none_for_another(
    admin: GatewayClient,
) -> None:
    once, item = {"idempotency-key": "k"}, {"name": "acme"}
    made = await admin.post("/jackfield/organizations", json=item, headers=once)
    other = await admin.post("/jackfield/budgets", json={"name": "acme", "limit": 1}, headers=once)
    again = await admin.post("/jackfield/organizations", json=item, headers=once)
    assert (made.status, other.status, again.status) == (201, 422, 201)
    assert (await other.json())["error"]["code"] == "idempotency_key_reused"
    assert again.headers["idempotency-replayed"] == "true"


def test_the_help_of_users_has_the_right_article(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["users", "--help"])
    assert "make a user" in capsys.readouterr().out
