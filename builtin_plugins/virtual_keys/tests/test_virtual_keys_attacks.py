"""What keys with a role try and do not get: more rights, more time, and what is not their own."""

from typing import Any

import pytest

from jackfield.testing import Answer

ROLES = ["owner", "admin", "auditor", "member"]


@pytest.fixture
async def acme(office: Any) -> Any:
    """Two organizations, each with teams; keys of the one may have every role."""
    await office.change("organizations/acme", roles=ROLES)
    await office.create("organizations", name="other", roles=ROLES)
    await office.create("teams", name="search", organization="acme", models=["fake/small"])
    await office.create("teams", name="ranking", parent="search")
    await office.create("teams", name="support", organization="acme")
    await office.create("teams", name="foreign", organization="other")
    return office


async def do(office: Any, key: str, method: str, path: str, fields: Any = None) -> Answer:
    headers = {"authorization": f"Bearer {key}"}
    answer: Answer = await office.admin.send(
        method, f"/jackfield/{path}", json=fields, headers=headers
    )
    return answer


async def refusal(office: Any, key: str, method: str, path: str, fields: Any = None) -> str:
    answer = await do(office, key, method, path, fields)
    assert answer.status >= 400
    message: str = (await answer.json())["error"]["message"]
    return message


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_nobody_widens_what_bounds_the_own_key(acme: Any, role: str) -> None:
    key = await acme.key(team="ranking", role=role, models=["fake/small"], max_lifetime="1d")
    own = f"keys/{key[3:15]}"
    for path, fields in (
        (own, {"models": None}),
        (own, {"max_lifetime": None}),
        (own, {"expires": "2999-01-01T00:00:00Z"}),
        ("teams/ranking", {"models": ["*"]}),
        ("teams/ranking", {"parent": "support"}),
        ("teams/search", {"models": None}),
        ("organizations/acme", {"models": ["*"]}),
    ):
        answer = await do(acme, key, "PATCH", path, fields)
        assert answer.status == 403, (path, fields, await answer.json())
    assert (await do(acme, key, "PATCH", "teams/support", {"models": ["fake/x"]})).status == 404
    assert (await do(acme, key, "PATCH", own, {"name": "own"})).status == 200


async def test_a_team_that_was_revoked_is_not_restored_by_who_belongs_to_it(acme: Any) -> None:
    key = await acme.key(user=(await acme.create("users", name="bob", team="search"))["id"])
    boss = await acme.key(role="admin")
    assert (await do(acme, boss, "POST", "teams/search/revoke")).status == 200
    assert (await do(acme, key, "POST", "teams/search/restore")).status == 401
    assert (await do(acme, boss, "POST", "teams/search/restore")).status == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("keys", {"team": "{}"}),
        ("users", {"name": "x", "team": "{}"}),
        ("projects", {"name": "x", "team": "{}"}),
        ("teams", {"name": "x", "parent": "{}"}),
    ],
)
async def test_a_team_of_others_is_as_if_it_were_not_there(
    acme: Any, path: str, fields: dict[str, str]
) -> None:
    key = await acme.key(role="admin")
    messages = {
        (
            await refusal(
                acme, key, "POST", path, {name: one.format(team) for name, one in fields.items()}
            )
        ).replace(team, "TEAM")
        for team in ("foreign", "nobodys")
    }
    assert len(messages) == 1
    assert "other" not in messages.pop()


@pytest.fixture
async def member(acme: Any) -> str:
    """A key with the role member."""
    key: str = await acme.key(team="search", role="member")
    return key


async def test_a_member_sees_nothing_but_its_own(acme: Any, member: str) -> None:
    own, other = member[3:15], (await acme.key(team="search"))[3:15]
    for query in ("", f"?after={min(own, other)[:-1]}", "?team=search"):
        listed = await (await do(acme, member, "GET", f"keys{query}")).json()
        assert {one["id"] for one in listed["data"]} == {own}
    assert (await do(acme, member, "GET", f"keys/{other}")).status == 404
    assert (await do(acme, member, "GET", "teams/support")).status == 404
    assert (await do(acme, member, "PATCH", f"keys/{other}", {"name": "x"})).status == 404


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("PATCH", "keys/{}", {"models": None, "role": "owner"}),
        ("PATCH", "keys/{}", {"metadata": {"a": "b"}}),
        ("PATCH", "teams/search", {"models": ["*"]}),
        ("POST", "keys/{}/rotate", None),
        ("POST", "keys", {"team": "search"}),
        ("DELETE", "keys/{}", None),
    ],
)
async def test_a_member_changes_nothing(
    acme: Any, member: str, method: str, path: str, fields: Any
) -> None:
    answer = await do(acme, member, method, path.format(member[3:15]), fields)
    assert answer.status == 403


async def test_who_governs_roles_is_the_owner_alone(acme: Any) -> None:
    key = await acme.key(role="admin")
    tries: list[tuple[str, str, Any]] = [
        ("PATCH", "teams/support", {"roles": []}),
        ("POST", "teams", {"name": "new", "roles": ["owner"]}),
        ("POST", "keys", {"organization": "acme", "role": "member"}),
    ]
    for method, path, fields in tries:
        assert (await do(acme, key, method, path, fields)).status == 403, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "teams/support/../foreign",
        "teams/%2e%2e/teams/foreign",
        "teams/..%2fteams%2fforeign",
        "teams/%252e%252e%252fforeign",
        "Teams/foreign",
        "teams/THEIRS",
        "teams/foreign/",
        "teams//foreign",
        "teams/foreign%00",
        "teams/foreign;x=1",
    ],
)
async def test_no_way_of_writing_a_path_leads_to_others(acme: Any, path: str) -> None:
    key = await acme.key(role="owner")
    assert (await do(acme, key, "GET", path)).status == 404
    assert (await do(acme, key, "PATCH", path, {"models": ["x"]})).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"organization": "acme", "organization": "other"}',
        b'{"organization": "acme", "role": "member", "role": "owner"}',
        b'{"organization": ["acme"]}',
        b'{"organization": {"$ne": ""}}',
        b'{"organization": "acme", "digest": "00"}',
        b'{"organization": "acme", "id": "aaaaaaaaaaaa"}',
        b'{"organization": "acme", "tenant": "other"}',
        b'{"organization": "acme", "max_lifetime": "9999999w"}',
        b'[{"organization": "acme"}]',
        b'"acme"',
    ],
)
@pytest.mark.parametrize("media", ["application/json", "text/plain"])
async def test_a_strange_body_makes_no_key(acme: Any, body: bytes, media: str) -> None:
    answer = await acme.admin.send(
        "POST", "/jackfield/keys", body=body, headers={"content-type": media}
    )
    assert answer.status == 400, await answer.json()
    assert (await (await acme.admin.get("/jackfield/keys")).json())["data"] == []


async def test_a_repeated_rotation_changes_nothing_and_shows_no_key(acme: Any) -> None:
    key = await acme.key()
    path = f"/jackfield/keys/{key[3:15]}/rotate"
    answers = [
        await acme.admin.post(path, json={"grace": "1h"}, headers={"idempotency-key": "once"})
        for _ in range(2)
    ]
    first, second = [await answer.json() for answer in answers]
    assert first["etag"] == second["etag"]
    assert "key" not in second
    assert "rotate it again" in second["note"]
    assert [(await acme.ask(one)).status for one in (key, first["key"])] == [200, 200]
    other = await acme.admin.post(path, json={}, headers={"idempotency-key": "once"})
    assert other.status == 422
