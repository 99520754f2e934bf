"""The rules among organizations, teams, users, projects and keys: what breaks one is not done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.errors import ConfigError
from jackfield.testing import Answer


async def refusal(answer: Answer) -> tuple[int, str, str]:
    error = (await answer.json())["error"]
    return answer.status, error["code"], error["message"]


async def listed(office: Any, kind: str) -> list[str]:
    answer = await office.admin.get(f"/jackfield/{kind}")
    return [one["id"] for one in (await answer.json())["data"]]


async def create(office: Any, kind: str, **fields: Any) -> Answer:
    answer: Answer = await office.admin.post(f"/jackfield/{kind}", json=fields)
    return answer


async def test_a_name_is_given_once(office: Any) -> None:
    status, code, message = await refusal(await create(office, "organizations", name="acme"))
    assert (status, code) == (409, "already_exists")
    assert "'acme'" in message


@pytest.mark.parametrize("name", ["", "Acme", "a b", "-a", "a" * 65, "ä", "a/b", "a\n"])
async def test_a_name_must_be_fit_for_paths_and_budgets(office: Any, name: str) -> None:
    answer = await create(office, "teams", name=name, organization="acme")
    assert answer.status == 400
    assert "1 to 64" in (await refusal(answer))[2]
    assert await listed(office, "teams") == []


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("teams", {"organization": "nobody"}, "There is no organization 'nobody'"),
        ("teams", {}, "its organization is missing"),
        ("teams", {"parent": "nobody"}, "There is no team 'nobody'"),
        ("users", {"team": "nobody"}, "There is no team 'nobody'"),
        ("projects", {}, "its organization is missing"),
        ("keys", {}, "its organization is missing"),
        ("keys", {"project": "nobody"}, "There is no project 'nobody'"),
        ("keys", {"organization": "acme", "user": "nobody"}, "There is no user 'nobody'"),
    ],
)
async def test_what_something_belongs_to_must_exist(
    office: Any, kind: str, fields: dict[str, str], expected: str
) -> None:
    answer = await create(office, kind, name="x", **fields)
    status, code, message = await refusal(answer)
    assert (status, code) == (400, "invalid_parent")
    assert expected in message
    *_, field = ("organization", *fields)
    assert (await answer.json())["error"]["param"] == field
    assert await listed(office, kind) == []


async def test_nothing_is_above_itself(office: Any) -> None:
    await office.create("teams", name="one", organization="acme")
    await office.create("teams", name="two", parent="one")
    await office.create("teams", name="three", parent="two")
    for team, parent in (("one", "three"), ("one", "one"), ("two", "three")):
        status, code, message = await refusal(await office.change(f"teams/{team}", parent=parent))
        assert (status, code) == (400, "invalid_parent")
        assert "above itself" in message
    one = await (await office.admin.get("/jackfield/teams/one")).json()
    assert one["parent"] == ""


async def test_a_chain_has_an_end(office: Any) -> None:
    await office.create("teams", name="t0", organization="acme")
    for depth in range(1, 15):
        await office.create("teams", name=f"t{depth}", parent=f"t{depth - 1}")
    answer = await create(office, "teams", name="t15", parent="t14")
    assert (await refusal(answer))[1] == "invalid_parent"


async def test_nothing_belongs_to_two_organizations(office: Any) -> None:
    await office.create("organizations", name="other")
    await office.create("teams", name="search", organization="acme")
    await office.create("users", name="bob", organization="other")
    for kind, fields in (
        ("users", {"team": "search", "organization": "other"}),
        ("keys", {"team": "search", "user": "bob"}),
        ("teams", {"parent": "search", "organization": "other"}),
    ):
        status, _, message = await refusal(await create(office, kind, name="x", **fields))
        assert (status, "several organizations: acme, other" in message) == (400, True)
        assert "x" not in await listed(office, kind)


async def test_nothing_moves_to_another_organization(office: Any) -> None:
    await office.create("organizations", name="other")
    await office.create("teams", name="foreign", organization="other")
    await office.create("teams", name="search", organization="acme")
    await office.create("users", name="ann", team="search")
    for path, fields in (
        ("teams/search", {"organization": "other"}),
        ("teams/search", {"organization": "other", "parent": "foreign"}),
        ("teams/search", {"parent": "foreign"}),
        ("teams/search", {"organization": None, "parent": "foreign"}),
        ("users/ann", {"team": "foreign"}),
        ("users/ann", {"team": None, "organization": "other"}),
    ):
        assert (await office.change(path, **fields)).status == 400, (path, fields)


@pytest.mark.parametrize(
    ("above", "wanted"),
    [
        ({"permissions": ["inference"]}, {"permissions": ["inference", "files"]}),
        ({}, {"permissions": ["files"]}),
        ({"models": ["openai/*"]}, {"models": ["*"]}),
        ({"models": ["openai/*"]}, {"models": ["openai*"]}),
        ({"providers": ["openai", "azure"]}, {"providers": ["openai", "anthropic"]}),
        ({"operations": []}, {"operations": ["chat"]}),
        ({"addresses": ["10.0.0.0/8"]}, {"addresses": ["10.0.0.0/7"]}),
        ({"addresses": ["10.0.0.0/8"]}, {"addresses": ["::/0"]}),
        ({"expires": "2030-01-01T00:00:00Z"}, {"expires": "2031-01-01T00:00:00Z"}),
        ({"max_lifetime": "30d"}, {"max_lifetime": "31d"}),
        ({"roles": ["member"]}, {"roles": ["admin"]}),
        ({}, {"roles": ["member"]}),
    ],
)
async def test_no_child_has_more_rights_than_its_parent(
    office: Any, above: dict[str, Any], wanted: dict[str, Any]
) -> None:
    await office.create("organizations", name="small", **above)
    for kind in ("teams", "users", "projects", "keys"):
        status, code, message = await refusal(
            await create(office, kind, name="x", organization="small", **wanted)
        )
        assert (status, code) == (400, "excess_rights")
        assert f"more rights than organization:small: {next(iter(wanted))}: " in message
        assert await listed(office, kind) == []


async def test_rights_are_bounded_through_all_levels_and_by_all_parents(office: Any) -> None:
    await office.change("organizations/acme", models=["openai/*", "anthropic/*"])
    await office.create("teams", name="search", organization="acme")
    await office.create("users", name="ann", team="search", models=["openai/*"])
    await office.create("projects", name="web", team="search", models=["openai/*-mini"])
    answer = await create(office, "keys", user="ann", project="web", models=["openai/gpt-5"])
    assert (await refusal(answer))[1] == "excess_rights"
    await office.create("keys", user="ann", project="web", models=["openai/gpt-5-mini"])


async def test_what_is_required_above_is_not_overridden_below(office: Any) -> None:
    await office.create("teams", name="search", organization="acme", metadata={"cost": "7"})
    answer = await create(office, "keys", team="search", metadata={"cost": "8"})
    assert await refusal(answer) == (
        400,
        "invalid_request",
        "`metadata`: cost is '7' by what is above; leave it out.",
    )
    key = await office.key(team="search", metadata={"cost": "7", "stage": "test"})
    await office.change("teams/search", metadata={"cost": "9"})
    await office.ask(key)
    assert office.client.settled[-1].exchange.metadata == {"cost": "9", "stage": "test"}


async def test_an_update_cannot_take_more_either(office: Any) -> None:
    await office.create("teams", name="search", organization="acme", models=["openai/*"])
    made = await office.create("keys", team="search", models=["openai/gpt-5"])
    answer = await office.change(f"keys/{made['id']}", models=["*"])
    assert (await refusal(answer))[1] == "excess_rights"
    kept = await (await office.admin.get(f"/jackfield/keys/{made['id']}")).json()
    assert kept["models"] == ["openai/gpt-5"]


async def test_who_moves_below_something_smaller_must_fit(office: Any) -> None:
    await office.create("teams", name="small", organization="acme", models=["fake/*"])
    await office.create("users", name="ann", organization="acme", models=["openai/*"])
    answer = await office.change("users/ann", team="small")
    assert (await refusal(answer))[1] == "excess_rights"


async def test_what_shrinks_above_shrinks_below_at_once(office: Any) -> None:
    await office.create("teams", name="search", organization="acme")
    key = await office.key(team="search", models=["fake/echo"])
    assert (await office.ask(key)).status == 200
    await office.change("teams/search", models=["fake/small"])
    assert (await office.ask(key)).status == 403
    await office.change(f"keys/{key[3:15]}", name="another name")
    await office.change("teams/search", models=["fake/*"])
    assert (await office.ask(key)).status == 200


@pytest.mark.parametrize("place", ["organizations/acme", "teams/search", "users/ann"])
async def test_a_revocation_above_refuses_all_below_until_it_is_taken_back(
    office: Any, place: str
) -> None:
    await office.create("teams", name="search", organization="acme")
    await office.create("users", name="ann", team="search")
    key = await office.key(user="ann")
    assert (await office.ask(key)).status == 200
    assert (await office.change(f"{place}/revoke")).status == 200
    answer = await office.ask(key)
    assert (answer.status, "revoked" in str(await answer.json())) == (401, True)
    await office.change(f"{place}/restore")
    assert (await office.ask(key)).status == 200


async def test_what_has_something_below_is_not_deleted(office: Any) -> None:
    await office.create("teams", name="search", organization="acme")
    made = await office.create("keys", team="search")
    for path in ("organizations/acme", "teams/search"):
        answer = await office.admin.send("DELETE", f"/jackfield/{path}")
        assert (await refusal(answer))[:2] == (409, "in_use")
    for path in (f"keys/{made['id']}", "teams/search", "organizations/acme"):
        assert (await office.admin.send("DELETE", f"/jackfield/{path}")).status == 200


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("models", ["gpt-?"], "no other wildcard"),
        ("models", "gpt", "array"),
        ("addresses", ["10.0.0.1/8"], "host bits"),
        ("addresses", ["10.0.0.0/8", "home"], "the entry 'home' is no network"),
        ("permissions", ["Inference"], "no permission"),
        ("roles", ["root"], "not a role"),
        ("max_lifetime", "soon", "no duration"),
        ("max_lifetime", "0", "longer than 0"),
        ("expires", "tomorrow", "date and time"),
        ("expires", "2030-01-01T00:00:00", "offset"),
        ("required_metadata", ["Session"], "a-z"),
        ("metadata", {"A": "b"}, "a-z"),
        ("metadata", {"a": "b\n"}, "printable"),
        ("digest", "0" * 64, "only set by the gateway"),
        ("revoked", True, "only set by the gateway"),
        ("modles", ["gpt"], "models"),
    ],
)
async def test_a_wrong_field_is_reported(
    office: Any, field: str, value: Any, expected: str
) -> None:
    answer = await create(office, "keys", organization="acme", **{field: value})
    status, _, message = await refusal(answer)
    assert (status, expected in message) == (400, True), message
    assert await listed(office, "keys") == []


async def test_a_key_that_has_ended_already_is_not_made(office: Any) -> None:
    ended = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    answer = await create(office, "keys", organization="acme", expires=ended)
    assert "must be in the future" in (await refusal(answer))[2]


TABLES = """
[plugins.virtual_keys.organizations.globex]
models = ["openai/*"]
[plugins.virtual_keys.teams.ranking]
parent = "search"
[plugins.virtual_keys.teams.search]
organization = "globex"
[plugins.virtual_keys.users.robot]
team = "ranking"
kind = "service"
[plugins.virtual_keys.projects.web]
organization = "globex"
"""


async def test_what_the_file_declares_is_there_whatever_its_order(office_with: Any) -> None:
    changed: list[Any] = []
    for _ in range(2):
        async with office_with(more=TABLES) as office:
            robot = await (await office.admin.get("/jackfield/users/robot")).json()
            assert (robot["organization"], robot["kind"]) == ("globex", "service")
            changed.append(robot["updated"])
            assert (await refusal(await office.change("teams/search", models=["x"])))[0] == 409
    assert changed[0] == changed[1], "nothing has changed, and something was written"


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ('[plugins.virtual_keys.teams.a]\nparent = "b"\n', "There is no team 'b'"),
        (f'{TABLES}models = ["anthropic/*"]\n', "more rights than organization:globex"),
        ("[plugins.virtual_keys.organizations.A]\n", "1 to 64"),
        ('[plugins.virtual_keys.users.a]\nkind = "robot"\n', "person"),
    ],
)
async def test_a_file_that_breaks_a_rule_refuses_to_start(
    office_with: Any, toml: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        async with office_with(more=toml):
            pass


async def test_the_openapi_document_has_every_member_of_an_answer(office: Any) -> None:
    headers = {"idempotency-key": "once"}
    made, again = [
        await office.admin.post("/jackfield/keys", json={"organization": "acme"}, headers=headers)
        for _ in range(2)
    ]
    document = await (await office.admin.get("/jackfield/openapi.json")).json()
    members = {*await made.json(), *await again.json()}
    assert {"key", "note"} <= members
    assert members <= set(document["components"]["schemas"]["Key"]["properties"])
