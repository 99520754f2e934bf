"""The API of a collection: create, list, show, update, delete."""

import asyncio

import pytest

from .conftest import Admin


async def test_what_is_created_is_shown_as_it_was_given(admin: Admin) -> None:
    created = await admin.ask("POST", "/jackfield/teams", {"name": "search", "seats": 3})
    assert created.status == 201
    assert created.body["key"] == "key of search"
    shown = await admin.ask("GET", "/jackfield/teams/search")
    assert shown.body == {key: value for key, value in created.body.items() if key != "key"}
    assert shown.body["seats"] == 3
    assert shown.headers["etag"] == shown.body["etag"]


async def test_a_second_one_of_the_same_id_is_refused(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "search"})
    again = await admin.ask("POST", "/jackfield/teams", {"name": "search", "seats": 9})
    assert (again.status, again.body["error"]["code"]) == (409, "already_exists")
    assert (await admin.ask("GET", "/jackfield/teams/search")).body["seats"] == 0


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({"name": "a", "seets": 1}, "seets", 'did you mean "seats"?'),
        ({"name": "a", "seats": "3"}, "seats", "write a plain number"),
        ({"name": "a", "seats": -1}, "seats", "must be >= 0"),
        ({"seats": 1}, "name", "missing"),
        ({"name": "a", "tags": [None]}, None, "null"),
        ({"name": "a", "parent": "nobody"}, "parent", "no team 'nobody'"),
        ({"name": "a", "mark": "x"}, "mark", "only set by the gateway"),
        ({"name": "a", "id": "b"}, "id", "only set by the gateway"),
        ({"name": "a", "created": None}, "created", "only set by the gateway"),
        ({"name": "a", "seets": None}, "seets", 'did you mean "seats"?'),
        (["a"], None, "JSON object"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    admin: Admin, body: object, param: str | None, message: str
) -> None:
    answer = await admin.ask("POST", "/jackfield/teams", body)
    assert answer.status == 400
    error = answer.body["error"]
    assert error["param"] == param
    assert message in error["message"]
    assert error["request_id"]
    assert (await admin.ask("GET", "/jackfield/teams")).body["data"] == []


async def test_a_patch_changes_what_it_names_and_null_is_the_default(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a", "seats": 3, "tags": ["x", "y"]})
    patch = {"tags": ["z"], "seats": None}
    changed = await admin.ask("PATCH", "/jackfield/teams/a", patch)
    assert (changed.body["tags"], changed.body["seats"]) == (["z"], 0)


async def test_a_patch_of_what_there_is_not_is_refused(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    for name in ("seets", "id", "etag"):
        answer = await admin.ask("PATCH", "/jackfield/teams/a", {name: None})
        assert (answer.status, answer.body["error"]["param"]) == (400, name)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_what_would_have_no_effect_is_refused(admin: Admin, method: str) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    answer = await admin.ask(method, "/jackfield/teams/a?dry_run=1")
    assert (answer.status, answer.body["error"]["param"]) == (400, "dry_run")
    created = await admin.ask("POST", "/jackfield/teams?dry_run", {"name": "b"})
    assert created.status == 400


async def test_what_is_given_once_cannot_be_changed(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    answer = await admin.ask("PATCH", "/jackfield/teams/a", {"name": "b"})
    assert (answer.status, answer.body["error"]["param"]) == (400, "name")
    assert (await admin.ask("PATCH", "/jackfield/teams/a", {"name": "a"})).status == 200


async def test_a_change_of_what_was_not_the_last_state_is_refused(admin: Admin) -> None:
    first = await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    etag = first.headers["etag"]
    changed = await admin.ask("PATCH", "/jackfield/teams/a", {"seats": 1}, if_match=etag)
    assert changed.status == 200
    stale = await admin.ask("PATCH", "/jackfield/teams/a", {"seats": 2}, if_match=etag)
    assert (stale.status, stale.body["error"]["code"]) == (412, "precondition_failed")
    assert (await admin.ask("DELETE", "/jackfield/teams/a", if_match=etag)).status == 412
    assert (await admin.ask("GET", "/jackfield/teams/a")).body["seats"] == 1


@pytest.mark.parametrize(
    ("if_match", "status"),
    [("*", 200), ('"0-0", {etag}', 200), ("W/{etag}", 412), ('"0-0"', 412), ("", 412)],
)
async def test_a_change_is_made_where_one_of_the_etags_fits(
    admin: Admin, if_match: str, status: int
) -> None:
    etag = (await admin.ask("POST", "/jackfield/teams", {"name": "a"})).body["etag"]
    given = if_match.format(etag=etag)
    for method, path in (("POST", "/grow"), ("DELETE", "")):
        answer = await admin.ask(method, f"/jackfield/teams/a{path}", if_match=given)
        assert answer.status == (412 if method == "DELETE" and "etag" in if_match else status)


async def test_the_etag_is_optional(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    assert (await admin.ask("PATCH", "/jackfield/teams/a", {"seats": 1})).status == 200
    assert (await admin.ask("DELETE", "/jackfield/teams/a")).status == 200


async def test_an_etag_does_not_fit_what_was_made_anew(admin: Admin) -> None:
    first = await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    await admin.ask("DELETE", "/jackfield/teams/a")
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    etag = first.headers["etag"]
    assert (await admin.ask("DELETE", "/jackfield/teams/a", if_match=etag)).status == 412


async def test_of_two_changes_at_once_one_is_refused_as_late(admin: Admin) -> None:
    etag = (await admin.ask("POST", "/jackfield/teams", {"name": "a"})).headers["etag"]
    answers = await asyncio.gather(
        *(admin.ask("PATCH", "/jackfield/teams/a", {"seats": n}, if_match=etag) for n in (1, 2))
    )
    assert sorted(answer.status for answer in answers) == [200, 412]


async def test_changes_of_different_fields_at_once_are_all_kept(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    patches = [{"seats": 5}, {"note": "hello"}, {"tags": ["x"]}]
    await asyncio.gather(*(admin.ask("PATCH", "/jackfield/teams/a", one) for one in patches))
    shown = (await admin.ask("GET", "/jackfield/teams/a")).body
    assert (shown["seats"], shown["note"], shown["tags"]) == (5, "hello", ["x"])


async def test_two_changes_at_once_cannot_make_a_circle(admin: Admin) -> None:
    for name in ("a", "b"):
        await admin.ask("POST", "/jackfield/teams", {"name": name})
    answers = await asyncio.gather(
        admin.ask("PATCH", "/jackfield/teams/a", {"parent": "b"}),
        admin.ask("PATCH", "/jackfield/teams/b", {"parent": "a"}),
    )
    assert sorted(answer.status for answer in answers) == [200, 400]


async def test_what_others_depend_on_is_not_deleted(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    await admin.ask("POST", "/jackfield/teams", {"name": "b", "parent": "a"})
    refused = await admin.ask("DELETE", "/jackfield/teams/a")
    assert (refused.status, refused.body["error"]["code"]) == (409, "in_use")
    assert (await admin.ask("DELETE", "/jackfield/teams/b")).body["deleted"] is True
    assert (await admin.ask("DELETE", "/jackfield/teams/a")).status == 200
    assert (await admin.ask("GET", "/jackfield/teams/a")).status == 404


async def test_an_action_changes_what_it_is_for(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a", "seats": 2})
    grown = await admin.ask("POST", "/jackfield/teams/a/grow", {"by": 3})
    assert (grown.status, grown.body["seats"]) == (200, 5)
    assert (await admin.ask("POST", "/jackfield/teams/a/grow")).body["seats"] == 6
    assert (await admin.ask("POST", "/jackfield/teams/a/grow", {"by": 0})).status == 400


async def test_the_change_is_reported_to_listeners(admin: Admin) -> None:
    received = admin.office.teams.changes()
    assert await anext(received) is None
    await admin.ask("POST", "/jackfield/teams", {"name": "a"})
    assert await anext(received) == "a"
