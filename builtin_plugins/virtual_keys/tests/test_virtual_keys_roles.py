"""Who administers with a key: what its role lets it do, and what no role lets it do."""

from typing import Any

import pytest


@pytest.fixture
async def acme(office: Any) -> Any:
    """The organization acme, whose keys may have every role, and another one."""
    roles = ["owner", "admin", "auditor", "member"]
    await office.change("organizations/acme", roles=roles, models=["fake/*"])
    await office.create("organizations", name="other", roles=roles)
    await office.create("teams", name="search", organization="acme")
    return office


@pytest.mark.parametrize(
    ("role", "created", "seen"),
    [("owner", 201, 200), ("admin", 201, 200), ("auditor", 403, 200), ("member", 403, 200)],
)
async def test_a_role_decides_what_can_be_done(
    acme: Any, role: str, created: int, seen: int
) -> None:
    key = await acme.key(role=role)
    assert (await acme.do(key, "POST", "teams", name="new")).status == created
    assert (await acme.do(key, "GET", f"keys/{key[3:15]}")).status == seen


async def test_without_a_role_nothing_can_be_done(acme: Any) -> None:
    key = await acme.key(permissions=["*"])
    for path in ("teams", "plugins", "endpoints", "keys"):
        assert (await acme.do(key, "GET", path)).status == 403, path


async def test_a_role_does_not_reach_into_vendors_administration(acme: Any) -> None:
    key = await acme.key(role="owner", permissions=["inference"])
    headers = {"authorization": f"Bearer {key}"}
    answer = await acme.client.get("/anthropic/v1/organizations/me", headers=headers)
    assert answer.status in (403, 404)
    assert (await acme.client.get("/jackfield/keys", headers=headers)).status == 404


async def test_a_role_must_be_among_those_that_are_allowed(acme: Any) -> None:
    await acme.change("organizations/acme", roles=["member"])
    answer = await acme.admin.post(
        "/jackfield/keys", json={"organization": "acme", "role": "admin"}
    )
    assert answer.status == 400
    assert "`roles`" in str(await answer.json())


async def test_a_role_ends_when_it_is_not_allowed_any_more(acme: Any) -> None:
    key = await acme.key(role="admin")
    assert (await acme.do(key, "GET", "teams")).status == 200
    await acme.change("organizations/acme", roles=["member"])
    assert (await acme.do(key, "GET", "teams")).status == 403


async def test_nobody_gives_a_role_above_the_own_one(acme: Any) -> None:
    key = await acme.key(role="admin")
    answer = await acme.do(key, "POST", "keys", organization="acme", role="owner")
    assert answer.status == 403
    owner = (await acme.key(role="owner"))[3:15]
    for action in ("rotate", "revoke"):
        assert (await acme.do(key, "POST", f"keys/{owner}/{action}")).status == 403
    assert (await acme.do(key, "PATCH", f"keys/{owner}", models=["fake/x"])).status == 403
    assert (await acme.do(key, "DELETE", f"keys/{owner}")).status == 403
    own = key[3:15]
    assert (await acme.do(key, "PATCH", f"keys/{own}", role="owner")).status == 403


async def test_nobody_widens_what_bounds_the_own_organization(acme: Any) -> None:
    key = await acme.key(role="owner")
    for method, path, fields in (
        ("PATCH", "organizations/acme", {"models": ["*"]}),
        ("PATCH", "organizations/acme", {"permissions": None}),
        ("PATCH", "organizations/acme", {"metadata": {"cost": "others"}}),
        ("POST", "organizations", {"name": "new", "permissions": ["*"]}),
        ("POST", "organizations/acme/restore", {}),
        ("DELETE", "organizations/acme", {}),
    ):
        answer = await acme.do(key, method, path, **fields)
        assert answer.status == 403, (method, path, await answer.json())
    kept = await (await acme.admin.get("/jackfield/organizations/acme")).json()
    assert kept["models"] == ["fake/*"]


async def test_nobody_reaches_into_another_organization(acme: Any) -> None:
    await acme.create("teams", name="foreign", organization="other")
    other = (await acme.key(organization="other"))[3:15]
    key = await acme.key(role="owner")
    for method, path, fields in (
        ("POST", "keys", {"organization": "other"}),
        ("POST", "keys", {"team": "foreign"}),
        ("POST", "users", {"name": "x", "team": "foreign"}),
        ("PATCH", "teams/search", {"parent": "foreign"}),
        ("GET", "teams/foreign", {}),
        ("GET", "organizations/other", {}),
        ("POST", f"keys/{other}/rotate", {}),
        ("POST", f"keys/{other}/revoke", {}),
    ):
        answer = await acme.do(key, method, path, **fields)
        assert answer.status in (400, 403, 404), (method, path)
    listed = await (await acme.do(key, "GET", "keys")).json()
    assert {one["organization"] for one in listed["data"]} == {"acme"}


async def test_a_key_is_shown_once_and_its_digest_never(acme: Any) -> None:
    made = await acme.create("keys", organization="acme")
    key, id = made["key"], made["id"]
    assert key.startswith(f"jf-{id}-")
    for path in (f"keys/{id}", "keys"):
        shown = (await (await acme.admin.get(f"/jackfield/{path}")).read()).decode()
        assert key[16:] not in shown
        assert "digest" not in shown
        assert '"previous"' not in shown
    changed = await acme.change(f"keys/{id}", name="other")
    assert "key" not in await changed.json()


async def test_a_repeated_create_does_not_show_the_key_again(acme: Any) -> None:
    headers = {"idempotency-key": "once"}
    answers = [
        await acme.admin.post("/jackfield/keys", json={"organization": "acme"}, headers=headers)
        for _ in range(2)
    ]
    first, second = [await answer.json() for answer in answers]
    assert first["id"] == second["id"]
    assert "key" in first
    assert "key" not in second
    assert "rotate" in second["note"]
