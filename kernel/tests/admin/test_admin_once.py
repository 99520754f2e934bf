"""Idempotency keys: a request that is sent twice is carried out once."""

import asyncio

import pytest

from jackfield.admin import Actor, AdminChange
from jackfield.admin.idempotency import Attempt, Attempts
from jackfield.store import StoreUnavailable

from .conftest import Admin, Answer

TEAM = {"name": "search", "seats": 2}
GROW = "/jackfield/teams/search/grow"


async def test_the_same_request_again_gets_the_same_answer(admin: Admin) -> None:
    first = await admin.ask("POST", "/jackfield/teams", TEAM, idempotency_key="k")
    await admin.ask("PATCH", "/jackfield/teams/search", {"seats": 9})
    again = await admin.ask(
        "POST", "/jackfield/teams", dict(reversed(TEAM.items())), idempotency_key="k"
    )
    shown_once = {key: value for key, value in first.body.items() if key != "key"}
    assert (again.status, again.body) == (201, shown_once)
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
    assert [change.action for change in admin.office.audited] == ["create"]


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


async def test_a_rule_that_was_broken_can_be_kept_under_the_same_key(admin: Admin) -> None:
    astray = {**TEAM, "parent": "nobody"}
    wrong = await admin.ask("POST", "/jackfield/teams", astray, idempotency_key="k")
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


@pytest.fixture
async def grown(admin: Admin) -> Answer:
    """The answer to an action that came with the key `k`."""
    await admin.ask("POST", "/jackfield/teams", TEAM)
    return await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")


async def test_the_same_action_again_is_not_done_again(admin: Admin, grown: Answer) -> None:
    await admin.ask("PATCH", "/jackfield/teams/search", {"note": "changed since"})
    again = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    assert (again.status, again.body) == (200, grown.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in grown.headers
    assert (await admin.ask("GET", "/jackfield/teams/search")).body["seats"] == 5
    other = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="another")
    assert other.body["seats"] == 8


async def test_an_action_again_does_not_mind_that_it_has_changed_the_etag(admin: Admin) -> None:
    etag = (await admin.ask("POST", "/jackfield/teams", TEAM)).body["etag"]
    for _ in range(2):
        done = await admin.ask("POST", GROW, if_match=etag, idempotency_key="k")
        assert (done.status, done.body["seats"]) == (200, 3)
    assert (await admin.ask("POST", GROW, if_match=etag, idempotency_key="l")).status == 412


async def test_of_two_actions_at_once_one_is_done(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", TEAM)
    grow = [admin.ask("POST", GROW, {"by": 3}, idempotency_key="k") for _ in range(2)]
    first, second = await asyncio.gather(*grow)
    assert first.body == second.body
    assert [change.action for change in admin.office.audited] == ["create", "grow"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jackfield/teams/search/grow", {"by": 4}),
        ("/jackfield/teams/search/grow", None),
        ("/jackfield/teams/other/grow", {"by": 3}),
        ("/jackfield/teams", {"name": "other"}),
    ],
)
async def test_another_request_with_the_key_of_an_action_is_refused(
    admin: Admin, grown: Answer, path: str, body: object
) -> None:
    other = await admin.ask("POST", path, body, idempotency_key="k")
    assert (other.status, other.body["error"]["code"]) == (422, "idempotency_key_reused")


async def test_an_action_that_was_refused_can_be_mended_under_the_same_key(admin: Admin) -> None:
    absent = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    await admin.ask("POST", "/jackfield/teams", TEAM)
    wrong = await admin.ask("POST", GROW, {"by": 0}, idempotency_key="k")
    stale = await admin.ask("POST", GROW, {"by": 2}, if_match='"0-0"', idempotency_key="k")
    done = await admin.ask("POST", GROW, {"by": 1}, idempotency_key="k")
    assert [one.status for one in (absent, wrong, stale, done)] == [404, 400, 412, 200]


async def test_an_action_that_no_auditor_could_keep_is_taken_up_again(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", TEAM)
    admin.office.broken = True
    failed = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    admin.office.broken = False
    again = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    assert (failed.status, again.status, again.body["seats"]) == (503, 200, 5)


async def test_an_action_whose_answer_was_lost_is_not_done_again(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.ask("POST", "/jackfield/teams", TEAM)
    remember = Attempts.remember

    async def lost(attempts: Attempts, actor: Actor, attempt: Attempt) -> None:
        if attempt.answer is not None:
            raise StoreUnavailable("The store does not answer.")
        await remember(attempts, actor, attempt)

    with monkeypatch.context() as store_away:
        store_away.setattr(Attempts, "remember", lost)
        failed = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    await admin.ask("POST", GROW, {"by": 10}, idempotency_key="of another")
    again = await admin.ask("POST", GROW, {"by": 3}, idempotency_key="k")
    assert (failed.status, again.status, again.body["seats"]) == (503, 200, 15)
