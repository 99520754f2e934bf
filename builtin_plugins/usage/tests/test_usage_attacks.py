"""What callers write into their requests and keys ask for does no harm, and shows nobody more."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from jackfield.testing import Answer
from jackfield.testing.gateway import admin_of, client_of, observed_gateway
from jackfield_usage.csv_cells import plain_cell
from jackfield_usage.export import write_csv

from .conftest import CONFIG, Office

TOML = "[plugins.virtual_keys]\n" + CONFIG
ROLES = ["owner", "admin", "auditor", "member"]


@define(eq=False)
class Company:
    """A gateway with two organizations that have used something, and their keys."""

    office: Office

    async def key(self, **fields: Any) -> str:
        """A new key."""
        answer = await self.office.admin.post("/jackfield/keys", json=fields)
        return str((await answer.json())["key"])

    async def ask(self, key: str, path: str, body: Any = None) -> Answer:
        """Ask the admin listener with a key."""
        headers = {"authorization": f"Bearer {key}"}
        method = "GET" if body is None else "POST"
        return await self.office.admin.send(method, path, json=body, headers=headers)


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    gateway = observed_gateway(TOML, directory=tmp_path)
    async with gateway:
        company = Company(Office(gateway, client_of(gateway), admin_of(gateway)))
        for name, team in (("acme", "search"), ("other", "foreign")):
            organization = {"name": name, "roles": ROLES, "permissions": ["*"]}
            await company.office.admin.post("/jackfield/organizations", json=organization)
            fields = {"name": team, "organization": name}
            await company.office.admin.post("/jackfield/teams", json=fields)
            for fields in ({"team": team}, {"organization": name}):
                headers = {"authorization": f"Bearer {await company.key(**fields)}"}
                assert (await company.office.client.chat(headers=headers)).status == 200
        yield company


@pytest.mark.parametrize(
    ("holder", "requests"), [({"organization": "acme"}, 2), ({"team": "search"}, 1)]
)
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_decides_whose_usage_is_seen(
    company: Company, role: str, holder: dict[str, str], requests: int
) -> None:
    key = await company.key(**holder, role=role)
    for query in ("", "?by=team", "?organization=acme"):
        report = await (await company.ask(key, f"/jackfield/usage{query}")).json()
        assert report["totals"]["requests"] == requests, query
    for query in ("?organization=other", "?team=foreign", "?by=team&team=foreign"):
        report = await (await company.ask(key, f"/jackfield/usage{query}")).json()
        assert report["totals"]["requests"] == 0, query


async def test_without_a_role_no_usage_is_seen_by_administrators_ways(company: Company) -> None:
    key = await company.key(team="search", permissions=["models"])
    assert (await company.ask(key, "/jackfield/usage")).status == 403


async def test_the_cursor_of_a_page_of_others_shows_none_of_their_records(company: Company) -> None:
    page = await company.office.ask("/jackfield/usage/records?limit=3")
    assert page["next"].startswith("other/")
    for role in ("admin", "member"):
        key = await company.key(team="search", role=role)
        for after in (page["next"], page["next"].replace("other", "acme"), "other/", "a/"):
            answer = await company.ask(key, f"/jackfield/usage/records?after={after}")
            assert {one["tenant"] for one in (await answer.json())["data"]} <= {"acme"}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("after=acme/x", "after"),
        ("after=acme/" + "f" * 32, "after"),
        ("after=acme/00", "after"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=1e1", "limit"),
        ("zone=../../etc/passwd", "zone"),
        ("from=nan", "from"),
        ("until=yesterday", "until"),
    ],
)
async def test_what_no_query_can_be_is_refused_by_name(
    company: Company, query: str, param: str
) -> None:
    answer = await company.office.admin.get(f"/jackfield/usage/records?{query}")
    assert (answer.status, (await answer.json())["error"]["param"]) == (400, param)


@pytest.mark.parametrize("role", ROLES)
async def test_who_belongs_to_an_organization_corrects_no_record(
    company: Company, role: str
) -> None:
    key = await company.key(organization="acme", role=role)
    for record in await company.office.records():
        correction = [{"id": record["id"], "cost": 0}]
        answer = await company.ask(key, "/jackfield/usage/corrections", correction)
        assert answer.status == 403


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  -1", "\uff1d1"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "gpt-5", "a=b", "7", " a", "'=1"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert plain_cell(text) == text


async def test_neither_a_report_nor_an_export_has_a_formula(
    company: Company, tmp_path: Path
) -> None:
    headers = {
        "authorization": f"Bearer {await company.key(team='search')}",
        "x-request-id": "-2.5",
        "x-jackfield-metadata": '{"feature": "=HYPERLINK(1)"}',
    }
    await company.office.client.chat(headers=headers)
    answer = await company.office.admin.get("/jackfield/usage?by=tag:feature&format=csv")
    rows = list(csv.reader(io.StringIO((await answer.read()).decode())))
    assert "'=HYPERLINK(1)" in [row[1] for row in rows]
    refund = {"cost": -7, "cost_dollars": "-0.000000007"}
    records = [{**one, **refund} for one in await company.office.records("team=search")]
    assert write_csv(tmp_path / "out.csv", records) == 2
    with (tmp_path / "out.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert last["id"] == "'-2.5"
    assert (last["cost_nano"], last["cost_dollars"]) == ("-7", "-0.000000007")
