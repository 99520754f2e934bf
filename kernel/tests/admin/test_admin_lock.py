"""One change at a time, also after a process has died in the middle of one."""

import time

import pytest

from jackfield.admin import lock
from jackfield.admin.errors import Busy
from jackfield.admin.lock import KEY, turn

from .conftest import Admin


async def take_for_another(admin: Admin) -> int:
    """Have the turn taken by a process that does not give it back."""
    return await admin.gateway.setup.store.put("", KEY, b"another")


async def test_the_turn_of_a_process_that_died_is_taken_over(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LEASE", 0.05)
    await take_for_another(admin)
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201


async def test_who_waits_too_long_is_told_to_come_again(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    await take_for_another(admin)
    answer = await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    assert (answer.status, answer.body["error"]["code"]) == (503, "administration_busy")
    assert answer.headers["retry-after"] == "10"


async def test_the_turn_ends_whatever_happens(admin: Admin) -> None:
    with pytest.raises(KeyError):
        async with turn(admin.gateway.setup):
            raise KeyError
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201


async def test_a_turn_that_another_has_taken_over_is_left_to_it(admin: Admin) -> None:
    async with turn(admin.gateway.setup):
        version = await take_for_another(admin)
    kept = await admin.gateway.setup.store.get("", KEY)
    assert kept is not None
    assert (kept.data, kept.version) == (b"another", version)


async def test_a_change_that_comes_after_its_turn_is_not_made(admin: Admin) -> None:
    async with turn(admin.gateway.setup) as mine:
        await mine.keep()
        mine.until = time.monotonic() - 1
        with pytest.raises(Busy, match="was not made"):
            await mine.keep()


async def test_a_turn_that_another_has_taken_over_cannot_be_lengthened(admin: Admin) -> None:
    async def change() -> None:
        async with turn(admin.gateway.setup) as mine:
            await take_for_another(admin)
            mine.until = time.monotonic() + 1
            await mine.keep()

    with pytest.raises(Busy, match="Another process"):
        await change()


async def test_a_turn_of_which_half_is_over_is_lengthened(admin: Admin) -> None:
    async with turn(admin.gateway.setup) as mine:
        before, mine.until = mine.version, time.monotonic() + 1
        await mine.keep()
        assert mine.version > before
        assert mine.until > time.monotonic() + 5
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201
