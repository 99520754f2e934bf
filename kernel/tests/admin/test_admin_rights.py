"""Who may see and change what: roles, organizations, fields."""

import pytest

from .conftest import Admin

ACME, OTHER = "admin:acme", "admin:other"


@pytest.fixture
async def two(admin: Admin) -> Admin:
    """A team of each of two organizations."""
    for name, organization in (("red", "acme"), ("blue", "other")):
        team = {"name": name, "organization": organization, "pin": "1234"}
        await admin.ask("POST", "/jackfield/teams", team)
    return admin


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("", ["blue", "red"]),
        ("auditor", ["blue", "red"]),
        (ACME, ["red"]),
        ("auditor:other", ["blue"]),
        ("member:acme:red", ["red"]),
        ("member:acme:blue", []),
        ("member:acme", []),
    ],
)
async def test_everyone_sees_their_own_items(two: Admin, key: str, seen: list[str]) -> None:
    listed = await two.ask("GET", "/jackfield/teams", key=key)
    assert [one["id"] for one in listed.body["data"]] == seen
    for name in ("red", "blue"):
        shown = await two.ask("GET", f"/jackfield/teams/{name}", key=key)
        assert shown.status == (200 if name in seen else 404)


async def test_what_is_hidden_answers_as_if_it_were_not_there(two: Admin) -> None:
    hidden = await two.ask("PATCH", "/jackfield/teams/blue", {"seats": 1}, key=ACME)
    absent = await two.ask("PATCH", "/jackfield/teams/none", {"seats": 1}, key=ACME)
    assert (hidden.status, absent.status) == (404, 404)
    message = hidden.body["error"]["message"].replace("blue", "none")
    assert message == absent.body["error"]["message"]


async def test_what_an_organization_makes_is_its_own(two: Admin) -> None:
    made = await two.ask("POST", "/jackfield/teams", {"name": "new"}, key=ACME)
    assert made.body["organization"] == "acme"
    stolen = {"name": "more", "organization": "other"}
    assert (await two.ask("POST", "/jackfield/teams", stolen, key=ACME)).status == 403


@pytest.mark.parametrize(
    ("key", "patch", "status"),
    [
        ("owner", {"rank": "high"}, 200),
        ("admin", {"rank": "high"}, 403),
        ("admin", {"rank": "low"}, 200),
        ("admin", {"seats": 2}, 200),
        ("member:acme:red", {"seats": 2}, 403),
        ("member:acme:red", {"note": "hello"}, 200),
    ],
)
async def test_a_field_is_changed_by_the_roles_that_may(
    two: Admin, key: str, patch: dict[str, object], status: int
) -> None:
    answer = await two.ask("PATCH", "/jackfield/teams/red", patch, key=key)
    assert answer.status == status
    if status == 403:
        assert answer.body["error"]["param"] == next(iter(patch))


@pytest.mark.parametrize("key", ["auditor", "member:acme:red"])
async def test_only_who_manages_makes_and_deletes(two: Admin, key: str) -> None:
    made = await two.ask("POST", "/jackfield/teams", {"name": "new"}, key=key)
    deleted = await two.ask("DELETE", "/jackfield/teams/red", key=key)
    grown = await two.ask("POST", "/jackfield/teams/red/grow", key=key)
    assert (made.status, deleted.status, grown.status) == (403, 403, 403)


async def test_a_field_is_shown_to_the_roles_that_may_and_a_secret_to_nobody(two: Admin) -> None:
    as_owner = (await two.ask("GET", "/jackfield/teams/red")).body
    as_admin = (await two.ask("GET", "/jackfield/teams/red", key="admin")).body
    assert as_owner["mark"] == "made"
    assert "mark" not in as_admin
    assert "pin" not in as_owner
    by_mark = await two.ask("GET", "/jackfield/teams?mark=made", key="admin")
    assert (by_mark.status, by_mark.body["error"]["param"]) == (403, "mark")


@pytest.mark.parametrize("patch", [{"seats": 2}, {"note": "hello"}, {}])
async def test_an_auditor_changes_nothing(two: Admin, patch: dict[str, object]) -> None:
    answer = await two.ask("PATCH", "/jackfield/teams/red", patch, key="auditor")
    assert (answer.status, two.office.audited[-1].action) == (403, "create")
