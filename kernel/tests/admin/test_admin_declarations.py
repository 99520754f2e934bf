"""What the configuration declares is made so at the start, and belongs to the file."""

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from jackfield import ConfigError
from jackfield.admin.declarations import PLANNING, Step, declare
from jackfield.testing.gateway import ObservedGateway, observed_gateway
from jackfield.testing.memory_store import MemoryStore

from .conftest import Admin
from .office import PLUGINS, TOML, Memory, Team


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """One store for all gateways of a test."""
    shared = MemoryStore()
    monkeypatch.setattr(Memory, "shared", shared)
    return shared


def gateway(directory: Path, **teams: int) -> ObservedGateway:
    declared = ", ".join(f"{name} = {seats}" for name, seats in teams.items())
    toml = TOML.replace("[plugins.office]", f"[plugins.office]\nteams = {{ {declared} }}")
    return observed_gateway(toml, PLUGINS, directory=directory)


async def seats(admin: Admin) -> dict[str, int]:
    listed = (await admin.ask("GET", "/jackfield/teams")).body["data"]
    return {one["id"]: one["seats"] for one in listed}


async def test_what_is_declared_is_made_changed_and_deleted(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1, blue=2) as running:
        admin = Admin(running)
        await admin.ask("POST", "/jackfield/teams", {"name": "own", "seats": 7})
        assert await seats(admin) == {"red": 1, "blue": 2, "own": 7}
    async with gateway(tmp_path, red=5, green=3) as running:
        admin = Admin(running)
        assert await seats(admin) == {"red": 5, "green": 3, "own": 7}
        told = {(change.action, change.id) for change in admin.office.told}
        assert told == {("create", "green"), ("update", "red"), ("delete", "blue")}
        assert (await admin.ask("GET", "/jackfield/teams/red")).body["mark"] == "made"


async def test_nothing_is_done_when_all_is_as_declared(tmp_path: Path, store: MemoryStore) -> None:
    async with gateway(tmp_path, red=1):
        pass
    async with gateway(tmp_path, red=1) as running:
        assert Admin(running).office.told == []


async def test_what_is_declared_cannot_be_changed_by_the_api(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1) as running:
        admin = Admin(running)
        changed = await admin.ask("PATCH", "/jackfield/teams/red", {"seats": 2})
        deleted = await admin.ask("DELETE", "/jackfield/teams/red")
        shown = await admin.ask("GET", "/jackfield/teams/red")
    assert (changed.status, deleted.status) == (409, 409)
    assert "jackfield.toml" in changed.body["error"]["message"]
    assert shown.body["declared_in"] == "jackfield.toml"


async def test_gateways_that_start_at_once_make_it_once(tmp_path: Path, store: MemoryStore) -> None:
    gateways = [gateway(tmp_path, red=1, blue=2) for _ in range(4)]
    await asyncio.gather(*(one.start() for one in gateways))
    told = [change.id for one in gateways for change in Admin(one).office.told]
    for one in gateways:
        await one.stop()
    assert sorted(told) == ["blue", "red"]


async def test_what_was_made_otherwise_belongs_to_the_file_once_it_is_declared(
    admin: Admin,
) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "red", "seats": 4})
    steps = await declare(admin.office.teams, {"red": Team(name="red", seats=4)}, "a.toml")
    assert steps == [Step("update", "teams", "red")]
    assert (await admin.ask("PATCH", "/jackfield/teams/red", {"seats": 2})).status == 409
    assert await declare(admin.office.teams, {}, "a.toml") == [Step("delete", "teams", "red")]


async def test_a_rule_that_is_broken_refuses_the_start(admin: Admin) -> None:
    team = evolve(Team(name="red"), parent="nobody")
    with pytest.raises(ConfigError, match=r"a\.toml: team 'red': There is no team 'nobody'"):
        await declare(admin.office.teams, {"red": team}, "a.toml")


async def test_a_plan_tells_the_steps_and_changes_nothing(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1, blue=2):
        pass
    steps: list[Step] = []
    planning = PLANNING.set(steps)
    async with gateway(tmp_path, red=5, green=3) as running:
        PLANNING.reset(planning)
        assert await seats(Admin(running)) == {"red": 1, "blue": 2}
    shown = ["update teams red (seats)", "create teams green", "delete teams blue"]
    assert [str(step) for step in steps] == shown
