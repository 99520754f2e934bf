"""Who administers a team: what falls under it, and nothing else."""

import re
from typing import Any

import pytest


@pytest.fixture
async def acme(office: Any) -> Any:
    """Teams of acme, one of them in another; ann is in the inner one and zed in none of the two."""
    await office.change("organizations/acme", roles=["admin", "auditor"])
    await office.create("teams", name="search", organization="acme")
    await office.create("teams", name="ranking", parent="search")
    await office.create("teams", name="support", organization="acme")
    await office.create("users", name="ann", team="ranking")
    await office.create("users", name="zed", team="support")
    await office.create("projects", name="help", team="support")
    return office


async def test_administers_users_projects_keys_and_teams_in_it(acme: Any) -> None:
    key = await acme.key(team="search", role="admin")
    for path, fields in (
        ("users", {"name": "eve", "team": "search"}),
        ("projects", {"name": "web", "team": "ranking"}),
        ("teams", {"name": "sub", "parent": "ranking"}),
        ("keys", {"user": "eve"}),
        ("keys", {"team": "search", "project": "web"}),
    ):
        answer = await acme.do(key, "POST", path, **fields)
        assert answer.status == 201, (path, await answer.json())
    assert (await acme.do(key, "PATCH", "users/ann", models=["fake/*"])).status == 200
    assert (await acme.do(key, "POST", "users/ann/revoke")).status == 200
    assert (await acme.do(key, "DELETE", "users/ann")).status == 200


async def test_makes_nothing_outside_of_it(acme: Any) -> None:
    key = await acme.key(team="search", role="admin")
    for path, fields in (
        ("users", {"name": "eve"}),
        ("users", {"name": "eve", "team": "support"}),
        ("projects", {"name": "web", "team": "nowhere"}),
        ("teams", {"name": "sub"}),
        ("teams", {"name": "sub", "parent": "support"}),
        ("keys", {}),
        ("keys", {"user": "zed"}),
        ("keys", {"user": "nobody"}),
        ("keys", {"team": "search", "user": "zed"}),
        ("keys", {"user": "ann", "project": "help"}),
    ):
        answer = await acme.do(key, "POST", path, **fields)
        reason = await answer.json()
        assert answer.status == 403, (path, fields, reason)
        assert re.search("administers .*team:search", reason["error"]["message"])


async def test_of_two_teams_makes_keys_of_what_it_belongs_to_itself(acme: Any) -> None:
    key = await acme.key(user="ann", project="help", role="admin")
    answer = await acme.do(key, "POST", "keys", user="ann", project="help")
    assert answer.status == 201, await answer.json()
    answer = await acme.do(key, "POST", "keys", user="zed", project="help", team="ranking")
    assert answer.status == 403


async def test_sees_what_is_in_it_and_what_it_is_in(acme: Any) -> None:
    await acme.key(user="zed")
    other = (await acme.key(team="support"))[3:15]
    for role in ("admin", "auditor"):
        key = await acme.key(team="search", role=role)
        for path in (f"keys/{other}", "users/zed", "teams/support"):
            assert (await acme.do(key, "GET", path)).status == 404, path
        users = await (await acme.do(key, "GET", "users")).json()
        assert [user["id"] for user in users["data"]] == ["ann"]
        keys = await (await acme.do(key, "GET", "keys")).json()
        assert {one["team"] for one in keys["data"]} == {"search"}
        assert (await acme.do(key, "GET", "organizations/acme")).status == 200


async def test_changes_nothing_that_it_is_in(acme: Any) -> None:
    key = await acme.key(team="ranking", role="admin")
    for method, path in (
        ("POST", "organizations/acme/revoke"),
        ("POST", "teams/search/revoke"),
        ("DELETE", "teams/search"),
        ("DELETE", "organizations/acme"),
    ):
        assert (await acme.do(key, method, path)).status == 403, path
    for path in ("teams/search", "organizations/acme"):
        answer = await acme.do(key, "PATCH", path, metadata={"a": "b"})
        assert answer.status == 403, path


async def test_moves_nothing_in_or_out(acme: Any) -> None:
    key = await acme.key(team="search", role="admin")
    assert (await acme.do(key, "PATCH", "users/ann", team="support")).status == 403
    assert (await acme.do(key, "PATCH", "users/ann", team=None)).status == 403
    assert (await acme.do(key, "PATCH", "users/zed", team="search")).status == 404
    assert (await acme.do(key, "PATCH", "users/ann", team="search")).status == 200


async def test_a_user_of_the_team_with_the_role_administers_the_team(acme: Any) -> None:
    key = await acme.key(user="ann", role="admin")
    assert (await acme.do(key, "POST", "users", name="eve", team="ranking")).status == 201
    assert (await acme.do(key, "POST", "users", name="bob", team="search")).status == 403


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("keys/{}/revoke", "The key has been revoked; ask for a new one."),
        ("teams/search/revoke", "has been revoked, and with it all of its keys."),
    ],
)
async def test_a_refusal_names_what_has_been_revoked(office: Any, path: str, reason: str) -> None:
    await office.create("teams", name="search", organization="acme")
    key = await office.key(team="search")
    assert (await office.change(path.format(key[3:15]))).status == 200
    refused = await office.ask(key)
    assert (refused.status, reason in str(await refused.json())) == (401, True)
