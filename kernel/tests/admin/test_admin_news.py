"""Who listens hears of every change, also when the store did not take the word at once."""

from typing import Any

import pytest

from jackfield.store import StoreUnavailable
from jackfield.testing.memory_store import MemoryStore

from .conftest import Admin


def fail_first(monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
    """Have the store not answer the first call of a method; `after` it has done its work."""
    really: Any = getattr(MemoryStore, name)
    failures = iter([True])

    async def fails_once(store: MemoryStore, *words: Any, **named: Any) -> Any:
        failing = "admin/teams/" in str(words) and next(failures, False)
        answer = await really(store, *words, **named) if after or not failing else None
        if failing:
            raise StoreUnavailable("The store does not answer.")
        return answer

    monkeypatch.setattr(MemoryStore, name, fails_once)


async def test_a_change_that_could_not_be_reported_at_once_is_reported_later(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = admin.office.teams.changes()
    assert await anext(received) is None
    fail_first(monkeypatch, "publish", after=False)
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201
    assert await anext(received) == "red"


@pytest.mark.parametrize("what", ["put", "delete"])
async def test_a_change_that_may_have_been_made_is_reported(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    received = admin.office.teams.changes()
    assert await anext(received) is None
    fail_first(monkeypatch, what, after=True)
    method = "PATCH" if what == "put" else "DELETE"
    answer = await admin.ask(method, "/jackfield/teams/red", {"seats": 3})
    assert answer.status == 503
    assert await anext(received) == "red"
