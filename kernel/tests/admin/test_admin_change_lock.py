"""One change at a time, also after a process has died in the middle of one."""

import time

import pytest

from jackfield.admin import change_lock as module
from jackfield.admin.change_lock import KEY, change_lock
from jackfield.admin.errors import Busy

from .conftest import Admin


async def take_for_another(admin: Admin) -> int:
    """Have the lock taken by a process that does not release it."""
    return await admin.gateway.setup.store.put("", KEY, b"another")


async def test_the_lock_of_a_process_that_died_is_taken_over(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.05)
    await take_for_another(admin)
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201


async def test_who_waits_too_long_gets_an_error_with_retry_after(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    await take_for_another(admin)
    answer = await admin.ask("POST", "/jackfield/teams", {"name": "red"})
    assert (answer.status, answer.body["error"]["code"]) == (503, "administration_busy")
    assert answer.headers["retry-after"] == "10"


async def test_the_lock_is_released_whatever_happens(admin: Admin) -> None:
    with pytest.raises(KeyError):
        async with change_lock(admin.gateway.setup):
            raise KeyError
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201


async def test_a_lock_that_another_has_taken_over_is_left_to_it(admin: Admin) -> None:
    async with change_lock(admin.gateway.setup):
        version = await take_for_another(admin)
    kept = await admin.gateway.setup.store.get("", KEY)
    assert kept is not None
    assert (kept.data, kept.version) == (b"another", version)


async def test_a_change_that_comes_after_its_time_is_not_made(admin: Admin) -> None:
    async with change_lock(admin.gateway.setup) as lock:
        await lock.renew()
        lock.until = time.monotonic() - 1
        with pytest.raises(Busy, match="was not made"):
            await lock.renew()


async def test_a_lock_that_another_has_taken_over_cannot_be_renewed(admin: Admin) -> None:
    async def change() -> None:
        async with change_lock(admin.gateway.setup) as lock:
            await take_for_another(admin)
            lock.until = time.monotonic() + 1
            await lock.renew()

    with pytest.raises(Busy, match="Another process"):
        await change()


async def test_a_lock_of_which_half_is_over_is_renewed(admin: Admin) -> None:
    async with change_lock(admin.gateway.setup) as lock:
        before, lock.until = lock.version, time.monotonic() + 1
        await lock.renew()
        assert lock.version > before
        assert lock.until > time.monotonic() + 5
    assert (await admin.ask("POST", "/jackfield/teams", {"name": "red"})).status == 201
