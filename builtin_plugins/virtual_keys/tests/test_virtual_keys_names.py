"""Names: each organization has its own, whoever else has the same."""

from typing import Any

import pytest


@pytest.fixture
async def two(office: Any) -> Any:
    """The organizations acme, which has a team search, and other, each with an administrator."""
    await office.change("organizations/acme", roles=["admin"])
    await office.create("organizations", name="other", roles=["admin"], permissions=["*"])
    await office.create("teams", name="search", organization="acme")
    return office


async def test_two_organizations_may_have_teams_of_one_name(two: Any) -> None:
    key = await two.key(organization="other", role="admin")
    made = await (await two.do(key, "POST", "teams", name="search")).json()
    assert (made["id"], made["name"]) == ("search@other", "search")
    again = await two.do(key, "POST", "teams", name="search")
    assert again.status == 409
    owners = await two.admin.post(
        "/jackfield/teams", json={"name": "search", "organization": "acme"}
    )
    assert owners.status == 409


async def test_an_organization_calls_its_own_by_the_name(two: Any) -> None:
    key = await two.key(organization="other", role="admin")
    await two.do(key, "POST", "teams", name="search")
    ann = await (await two.do(key, "POST", "users", name="ann", team="search")).json()
    assert ann["team"] == "search@other"
    assert (await (await two.do(key, "GET", "teams/search")).json())["organization"] == "other"
    answer = await two.do(key, "PATCH", "teams/search", metadata={"a": "b"})
    assert (await answer.json())["id"] == "search@other"
    assert (await two.do(key, "POST", "teams/search/revoke")).status == 200
    kept = await (await two.admin.get("/jackfield/teams/search")).json()
    assert (kept["organization"], kept["revoked"]) == ("acme", False)


async def test_who_sees_all_says_whose_is_meant(two: Any) -> None:
    await two.create("teams", name="search", organization="other")
    for organization, team in (("acme", "search"), ("other", "search@other")):
        made = await two.create("keys", organization=organization, team="search")
        assert made["team"] == team
    assert (await two.create("keys", team="search@other"))["organization"] == "other"


async def test_rights_are_those_of_the_own_one(two: Any) -> None:
    await two.create("teams", name="search", organization="other", models=["fake/small"])
    key = await two.key(organization="other", team="search")
    assert (await two.ask(key, "fake/large")).status == 403
    assert (await two.ask(key, "fake/small")).status == 200
    boss = await two.key(organization="acme", role="admin")
    assert (await two.do(boss, "GET", "teams/search@other")).status == 404


async def test_a_name_is_as_good_as_free_where_another_organization_has_it(two: Any) -> None:
    taken = await two.create("users", name="ann", team="search")
    first = await two.create("users", name="ann", organization="other")
    assert (taken["id"], first["id"]) == ("ann", "ann@other")
    assert (await two.admin.send("DELETE", "/jackfield/users/ann")).status == 200
    answer = await two.admin.post("/jackfield/users", json={"name": "ann", "organization": "other"})
    assert answer.status == 409


@pytest.mark.parametrize("name", ["search@other", "search@", "@other", "a@b@c"])
async def test_nobody_chooses_whose_a_name_is(two: Any, name: str) -> None:
    answer = await two.admin.post("/jackfield/teams", json={"name": name, "organization": "acme"})
    assert answer.status == 400
