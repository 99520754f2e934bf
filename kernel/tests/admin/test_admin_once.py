"""Idempotency keys: what is asked for twice is made once."""

import asyncio

import pytest

from jackfield.admin import AdminChange

from .conftest import Admin

TEAM = {"name": "search", "seats": 2}


async def test_the_same_request_again_gets_the_same_answer(admin: Admin) -> None:
    first = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    await admin.ask("PATCH", "/jackfield/teams/search", {"seats": 9})
    again = await admin.ask(
        "POST", "/jackfield/teams", dict(reversed(TEAM.items())), idempotency_key="k"
    )
    told_once = {key: value for key, value in first.body.items() if key != "key"}
    assert (again.status, again.body) == (201, told_once)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await admin.ask("GET", "/jackfield/teams/search")).body["seats"] == 9


async def test_of_two_requests_at_once_one_is_answered_with_what_the_other_made(
    admin: Admin,
) -> None:
    first, second = await asyncio.gather(
        *(admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k") for _ in range(2))
    )
    assert (first.status, second.status) == (201, 201)
    assert first.body["etag"] == second.body["etag"]
    assert [told.action for told in admin.office.told] == ["create"]


async def test_another_request_with_the_same_key_is_refused(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    other = await admin.ask("POST", "/jackfield/teams", {"name": "other"}, idempotency_key="k")
    assert (other.status, other.body["error"]["code"]) == (422, "idempotency_key_reused")


async def test_the_keys_of_two_callers_have_nothing_to_do_with_one_another(admin: Admin) -> None:
    for key in ("admin:acme", "admin:other"):
        team = {"name": key.removeprefix("admin:")}
        made = await admin.ask("POST", "/jackfield/teams", team, key, idempotency_key="k")
        assert made.status == 201


async def test_what_is_wrong_can_be_mended_under_the_same_key(admin: Admin) -> None:
    wrong = await admin.ask("POST", "/jackfield/teams", {"seats": 1}, idempotency_key="k")
    right = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    assert (wrong.status, right.status) == (400, 201)


async def test_an_attempt_that_failed_is_taken_up_again(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(change: AdminChange) -> None:
        raise OSError("disk full")

    admin.gateway.setup.auditors.append(lost)
    failed = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    admin.gateway.setup.auditors.remove(lost)
    again = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    assert (failed.status, again.status) == (503, 201)


async def test_an_attempt_that_failed_does_not_get_what_another_made(admin: Admin) -> None:
    admin.office.broken = True
    await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    admin.office.broken = False
    await admin.ask("POST", "/jackfield/teams", TEAM, key="admin")
    again = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    assert again.status == 409


async def test_a_key_that_is_too_long_is_refused(admin: Admin) -> None:
    answer = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k" * 256)
    assert (answer.status, answer.body["error"]["param"]) == (400, "Idempotency-Key")
