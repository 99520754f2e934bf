"""What the configuration declares is made so at the start, and belongs to the file."""

import asyncio
from pathlib import Path

import pytest

from jackfield import ConfigError
from jackfield.admin.declarations import Declarations
from jackfield.admin.dry_run import DRY_RUN, DryRun
from jackfield.store import Value
from jackfield.testing.gateway import ObservedGateway, observed_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.stores.promise import eventually

from .conftest import Admin
from .office import PLUGINS, TOML, Memory


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """One store for all gateways of a test."""
    shared = MemoryStore()
    monkeypatch.setattr(Memory, "shared", shared)
    return shared


def gateway(directory: Path, above: str = "", /, **teams: int) -> ObservedGateway:
    """One whose file declares teams with their seats; `above` says which belong to which."""
    declared = "\n".join(f"{name} = {seats}" for name, seats in teams.items())
    toml = f"{TOML}[plugins.office.parents]\n{above}\n[plugins.office.teams]\n{declared}"
    return observed_gateway(toml, PLUGINS, directory=directory)


async def planned(directory: Path, above: str = "", /, **teams: int) -> list[str]:
    """What the next start would do."""
    token = DRY_RUN.set(DryRun())
    try:
        async with gateway(directory, above, **teams) as running:
            return [str(step) for step in running.declarations.steps]
    finally:
        DRY_RUN.reset(token)


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
        audited = {(change.action, change.id) for change in admin.office.audited}
        assert audited == {("create", "green"), ("update", "red"), ("delete", "blue")}
        assert (await admin.ask("GET", "/jackfield/teams/red")).body["mark"] == "made"


async def test_nothing_is_done_when_all_is_as_declared(tmp_path: Path, store: MemoryStore) -> None:
    async with gateway(tmp_path, red=1):
        pass
    async with gateway(tmp_path, red=1) as running:
        assert Admin(running).office.audited == []


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
    audited = [change.id for one in gateways for change in Admin(one).office.audited]
    for one in gateways:
        await one.stop()
    assert sorted(audited) == ["blue", "red"]


async def test_what_was_made_otherwise_belongs_to_the_file_once_it_is_declared(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path) as running:
        await Admin(running).ask("POST", "/jackfield/teams", {"name": "red", "seats": 4})
    assert await planned(tmp_path, red=4) == ["update teams red"]
    async with gateway(tmp_path, red=4) as running:
        assert (await Admin(running).ask("PATCH", "/jackfield/teams/red", {})).status == 409
    assert await planned(tmp_path) == ["delete teams red"]


ABOVE = 'green = "nobody"\nblue = "nowhere"'
REFUSED = [
    "jackfield.toml:9:9: plugins.office.teams.green.parent: There is no team 'nobody'.",
    "jackfield.toml:10:8: plugins.office.teams.blue.parent: There is no team 'nowhere'.",
]


async def test_a_start_makes_nothing_where_one_step_would_be_refused(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1):
        pass
    refused = gateway(tmp_path, ABOVE, red=5, green=1, blue=1)
    with pytest.raises(ConfigError) as error:
        await refused.start()
    assert error.value.problems == REFUSED
    office = Admin(refused).office
    assert (office.audited, office.teams.last_revealed) == ([], ""), "a dry run is not audited"
    assert await planned(tmp_path, red=1) == []


async def test_a_plan_foresees_what_would_be_refused(tmp_path: Path, store: MemoryStore) -> None:
    with pytest.raises(ConfigError) as error:
        await planned(tmp_path, ABOVE, red=5, green=1, blue=1)
    assert error.value.problems == REFUSED


async def test_what_is_declared_no_more_is_not_deleted_while_something_depends_on_it(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1) as running:
        await Admin(running).ask("POST", "/jackfield/teams", {"name": "own", "parent": "red"})
    with pytest.raises(ConfigError, match=r"office\.teams\.red: it is not declared any more, and"):
        await planned(tmp_path, blue=1)
    assert await planned(tmp_path, red=1) == []


async def test_a_plan_tells_the_steps_and_changes_nothing(
    tmp_path: Path, store: MemoryStore
) -> None:
    async with gateway(tmp_path, red=1, blue=2):
        pass
    steps = await planned(tmp_path, red=5, green=3)
    assert steps == ["update teams red (seats)", "create teams green", "delete teams blue"]
    assert await planned(tmp_path, red=1, blue=2) == []


async def test_a_dry_run_reads_the_store_once_and_not_for_each_item(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[str] = []
    get = store.get

    async def counted(scope: str, key: str) -> Value | None:
        requested.append(key)
        return await get(scope, key)

    monkeypatch.setattr(store, "get", counted)
    names = [f"team{'x' * number}" for number in range(50)]
    steps = await planned(tmp_path, **dict.fromkeys(names, 1))
    assert steps == [f"create teams {name}" for name in names]
    assert len(requested) < len(names)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> "asyncio.Queue[None]":
    """Gateways look often whether the store has lost what they declare; gets None each time."""
    looks: asyncio.Queue[None] = asyncio.Queue()
    is_lost = Declarations._is_lost

    async def observed(declarations: Declarations) -> bool:
        looks.put_nowait(None)
        return await is_lost(declarations)

    monkeypatch.setattr(Declarations, "_is_lost", observed)
    monkeypatch.setattr("jackfield.admin.declarations.LOOK_EVERY", 0.01)
    return looks


async def test_what_a_store_has_lost_is_made_again(
    tmp_path: Path, store: MemoryStore, looking: "asyncio.Queue[None]"
) -> None:
    async with gateway(tmp_path, red=1, blue=2) as running:
        admin = Admin(running)
        await admin.ask("POST", "/jackfield/teams", {"name": "own"})
        for _ in range(2):
            store._values.clear()
            await eventually(lambda: seats(admin), {"red": 1, "blue": 2})


async def test_what_a_newer_file_has_removed_is_not_made_again(
    tmp_path: Path, store: MemoryStore, looking: "asyncio.Queue[None]"
) -> None:
    async with gateway(tmp_path, red=1) as older, gateway(tmp_path, blue=2) as newer:
        async with asyncio.timeout(10):
            for _ in range(8):  # both have looked, and what follows has been done
                await looking.get()
        assert await seats(Admin(newer)) == {"blue": 2}
        assert [change.id for change in Admin(older).office.audited] == ["red"]


async def test_a_single_item_that_is_gone_is_not_made_again_before_the_next_start(
    tmp_path: Path, store: MemoryStore, looking: "asyncio.Queue[None]"
) -> None:
    async with gateway(tmp_path, red=1, blue=2) as running:
        await store.delete("", "admin/teams/red")
        async with asyncio.timeout(10):
            for _ in range(4):
                await looking.get()
        assert await seats(Admin(running)) == {"blue": 2}
