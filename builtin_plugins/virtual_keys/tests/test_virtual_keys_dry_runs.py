"""Whatever a file declares is made in whole or not at all, and a plan says which beforehand."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield import ConfigError, Plugin, Setup
from jackfield.admin.dry_run import DRY_RUN, DryRun
from jackfield.testing.gateway import observed_gateway
from jackfield.testing.memory_store import MemoryStore

pytestmark = pytest.mark.timeout(120)
NAMES = "abcd"
TEAM = st.tuples(
    st.sampled_from(["organization = 'acme'", *(f"parent = '{name}'" for name in NAMES)]),
    st.sampled_from(["", "models = ['fake/*']", "models = ['fake/small']", "models = ['*']"]),
)
FILES = st.lists(st.dictionaries(st.sampled_from(NAMES), TEAM, max_size=4), min_size=1, max_size=4)


class Memory(Plugin):
    """Keeps everything in one store."""

    brings_store = True
    store: MemoryStore

    async def start(self, setup: Setup) -> None:
        setup.add_store(self.store)


def document(teams: dict[str, tuple[str, str]]) -> str:
    tables = [f"[plugins.virtual_keys.teams.{name}]\n" + "\n".join(teams[name]) for name in teams]
    head = "[plugins.memory]\n[plugins.virtual_keys.organizations.acme]\nmodels = ['fake/*']\n"
    return head + "\n".join(tables)


def kept(store: MemoryStore) -> dict[str, bytes]:
    """What is kept of organizations and teams."""
    found = {key: value.data for (_, key), (value, _) in store._values.items()}
    return {key: data for key, data in found.items() if key.startswith("admin/") and b"{" in data}


async def started(toml: str, store: MemoryStore, folder: Path, *, really: bool) -> list[str]:
    """What a start does, or why it does nothing."""
    token = DRY_RUN.set(None if really else DryRun())
    try:
        plugins = {"memory": type("Memory", (Memory,), {"store": store})}
        async with observed_gateway(toml, plugins, directory=folder) as gateway:
            return [str(step) for step in gateway.declarations.steps]
    except ConfigError as error:
        return ["refused", *error.problems]
    finally:
        DRY_RUN.reset(token)


@given(FILES)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_start_does_all_that_its_plan_says_or_nothing(
    tmp_path: Path, files: list[dict[str, tuple[str, str]]]
) -> None:
    store = MemoryStore()

    async def begin(toml: str) -> None:
        before = kept(store)
        planned = await started(toml, store, tmp_path, really=False)
        assert kept(store) == before
        assert await started(toml, store, tmp_path, really=True) == planned
        if planned[:1] == ["refused"]:
            assert kept(store) == before
        else:
            assert await started(toml, store, tmp_path, really=False) == []

    for teams in files:
        asyncio.run(begin(document(teams)))
