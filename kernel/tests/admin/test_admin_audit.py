"""No change is made that auditors do not know of."""

import pytest

from jackfield.store import StoreUnavailable

from .conftest import Admin


async def test_auditors_receive_who_changes_what_and_no_value(admin: Admin) -> None:
    team = {"name": "red", "organization": "acme", "pin": "hush-one"}
    await admin.ask("POST", "/jackfield/teams", team, key="admin:acme", x_request_id="r-1")
    patch = {"seats": 77, "pin": "hush-two"}
    await admin.ask("PATCH", "/jackfield/teams/red", patch)
    created, updated = admin.office.audited
    assert (created.action, created.collection, created.id) == ("create", "teams", "red")
    assert (created.actor, created.role, created.tenant) == ("admin key", "admin", "acme")
    assert (created.request_id, created.before, created.outcome) == ("r-1", "", "accepted")
    assert set(updated.fields) == {"seats", "pin"}
    assert (updated.role, updated.before) == ("owner", created.after)
    assert "hush" not in str(admin.office.audited)  # digits could be those of a time
    assert "77" not in updated.after


async def test_reading_and_what_changes_nothing_is_not_audited(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    await admin.ask("GET", "/jackfield/teams")
    await admin.ask("PATCH", "/jackfield/teams/red", {"seats": 0})
    assert len(admin.office.audited) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/jackfield/teams", {"name": "new"}),
        ("PATCH", "/jackfield/teams/red", {"seats": 5}),
        ("POST", "/jackfield/teams/red/grow", {}),
        ("DELETE", "/jackfield/teams/red", None),
    ],
)
async def test_a_change_that_cannot_be_audited_is_not_made(
    admin: Admin, method: str, path: str, body: object
) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    before = await admin.ask("GET", "/jackfield/teams")
    admin.office.broken = True
    answer = await admin.ask(method, path, body)
    assert (answer.status, answer.body["error"]["code"]) == (503, "audit_unavailable")
    assert "disk full" not in answer.body["error"]["message"]
    assert (await admin.ask("GET", "/jackfield/teams")).body == before.body


async def test_auditors_learn_of_a_change_that_could_not_be_made(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object, **__: object) -> int:
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr(admin.office.teams.item_store, "put", unavailable)
    answer = await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    assert (answer.status, answer.body["error"]["code"]) == (503, "store_unavailable")
    assert [change.outcome for change in admin.office.audited] == ["accepted", "failed"]
