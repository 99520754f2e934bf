"""What the file declares: the hierarchy, and keys that are kept where secrets are."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jackfield.admin.declarations import Step
from jackfield.admin.dry_run import DRY_RUN, DryRun
from jackfield.errors import ConfigError
from jackfield.testing.gateway import observed_gateway
from jackfield_virtual_keys.key_text import KeyText, new_key_text, written

TABLES = """
[plugins.virtual_keys.organizations.acme]
permissions = ["*"]

[plugins.virtual_keys.teams.search]
organization = "acme"
"""
KEY = """
[plugins.virtual_keys.keys.web]
key = "env:WEB_KEY"
team = "search"
models = ["fake/*"]
"""


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> KeyText:
    """A key in the environment."""
    text = new_key_text()
    monkeypatch.setenv("WEB_KEY", written(text))
    return text


async def planned(office_with: Any, tables: str) -> list[Step]:
    """What the next start would do."""
    token = DRY_RUN.set(DryRun())
    try:
        async with office_with(tables) as office:
            return list(office.gateway.declarations.steps)
    finally:
        DRY_RUN.reset(token)


async def test_a_declared_key_is_good_and_shown_without_its_secret(
    office_with: Any, text: KeyText
) -> None:
    async with office_with(TABLES + KEY) as office:
        assert (await office.ask(written(text))).status == 200
        assert (await office.ask(written(text), model="other/large")).status == 403
        shown = await (await office.admin.get(f"/jackfield/keys/{text.id}")).json()
        assert (shown["name"], shown["organization"]) == ("web", "acme")
        assert shown["declared_in"]
        assert text.secret not in str(shown)


async def test_what_is_as_declared_needs_nothing(office_with: Any, text: KeyText) -> None:
    async with office_with(TABLES) as office:
        await office.create("teams", name="made", organization="acme")
    more = """
        [plugins.virtual_keys.users.ann]
        team = "made"
        [plugins.virtual_keys.teams.below]
        parent = "made"
        """
    async with office_with(TABLES + KEY + more):
        pass
    assert await planned(office_with, TABLES + KEY + more) == []


async def test_another_secret_takes_the_place_of_the_one_before(
    office_with: Any, text: KeyText, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office_with(TABLES + KEY):
        pass
    other = written(new_key_text(text.id))
    monkeypatch.setenv("WEB_KEY", other)
    (step,) = await planned(office_with, TABLES + KEY)
    assert (step.action, step.id, step.fields) == ("update", text.id, ("digest",))
    assert step.changes == {"digest": (None, None)}
    async with office_with(TABLES + KEY) as office:
        statuses = [(await office.ask(key)).status for key in (written(text), other)]
        assert statuses == [401, 200]


async def test_a_key_that_is_not_declared_any_more_is_removed(
    office_with: Any, text: KeyText
) -> None:
    async with office_with(TABLES + KEY):
        pass
    async with office_with(TABLES) as office:
        assert (await office.ask(written(text))).status == 401


async def test_a_key_that_was_made_before_belongs_to_the_file_once_it_is_declared(
    office_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office_with(TABLES) as office:
        key = await office.key(team="search")
    monkeypatch.setenv("WEB_KEY", key)
    async with office_with(TABLES + KEY) as office:
        assert (await office.ask(key)).status == 200
        refused = await office.change(f"keys/{key[3:15]}", models=None)
        assert refused.status == 409


async def test_a_declared_key_is_revoked_by_who_administers_and_rotated_in_the_file_alone(
    office_with: Any, text: KeyText
) -> None:
    async with office_with(TABLES + KEY) as office:
        assert (await office.change(f"keys/{text.id}/rotate")).status == 409
        assert (await office.change(f"keys/{text.id}/revoke")).status == 200
        assert (await office.ask(written(text))).status == 401
    async with office_with(TABLES + KEY) as office:
        assert (await office.ask(written(text))).status == 401


@pytest.mark.parametrize(
    "value",
    ["", "jf-", "sk-1234", written(new_key_text())[:-1]],
    ids=["empty", "the prefix alone", "another's key", "cut"],
)
async def test_what_is_no_whole_key_is_refused_by_its_place(
    office_with: Any, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_KEY", value)
    with pytest.raises(ConfigError, match=r"plugins\.virtual_keys\.keys\.web\.key: ") as error:
        async with office_with(TABLES + KEY):
            pass
    assert not value or value not in str(error.value)


async def test_one_key_is_not_declared_twice(office_with: Any, text: KeyText) -> None:
    with pytest.raises(ConfigError, match="declared twice"):
        async with office_with(TABLES + KEY + KEY.replace("keys.web", "keys.again")):
            pass


async def test_a_declared_key_has_no_more_rights_than_its_team(
    office_with: Any, text: KeyText
) -> None:
    with pytest.raises(ConfigError, match="cannot have more rights"):
        async with office_with(TABLES + 'models = ["fake/small"]' + KEY):
            pass


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("teams.search", "revoked = true"),
        ("keys.web", 'digest = "00"'),
        ("keys.web", "issued = 2026-01-01T00:00:00Z"),
    ],
)
async def test_what_the_gateway_sets_cannot_be_declared(
    office_with: Any, text: KeyText, table: str, line: str
) -> None:
    head = f"[plugins.virtual_keys.{table}]"
    with pytest.raises(ConfigError, match="only the gateway can set it"):
        async with office_with((TABLES + KEY).replace(head, f"{head}\n{line}")):
            pass


@pytest.fixture
def made(tmp_path: Path) -> str:
    """A key that was made for the file `web.key`, in which it is."""
    command = [sys.executable, "-m", "jackfield_virtual_keys"]
    made = subprocess.run(command, capture_output=True, check=True, text=True)
    file = tmp_path / "web.key"
    file.touch(mode=0o600)
    file.write_text(made.stdout)
    return made.stdout.strip()


async def test_a_key_may_be_in_a_file(office_with: Any, tmp_path: Path, made: str) -> None:
    declared = KEY.replace("env:WEB_KEY", f"file:{tmp_path / 'web.key'}")
    async with office_with(TABLES + declared) as office:
        assert (await office.ask(made)).status == 200


async def test_nothing_is_made_where_anything_has_more_rights_than_what_is_above(
    office_with: Any, text: KeyText
) -> None:
    """The key keeps within its team, with which alone something is wrong."""
    excess = TABLES.replace("]\n", ']\nmodels = ["fake/small"]\n', 1) + 'models = ["fake/*"]'
    with pytest.raises(ConfigError) as error:
        await planned(office_with, excess + KEY.replace('models = ["fake/*"]', ""))
    (problem,) = error.value.problems
    assert re.search(r":\d+:10: plugins\.virtual_keys\.teams\.search\.models: .* more", problem)
    async with office_with() as office:
        assert (await (await office.admin.get("/jackfield/organizations")).json())["data"] == []


def test_what_can_be_no_id_is_reported_with_its_line(tmp_path: Path) -> None:
    toml = f"{TABLES}[plugins.virtual_keys.teams.Upper]\nrevoked = true\n"
    with pytest.raises(ConfigError, match=r"^jackfield.toml:7:29: .*\.teams\.Upper: an id must be"):
        observed_gateway(toml, directory=tmp_path)


@pytest.mark.parametrize(
    ("below", "circle"), [("a", "a is in a"), ("b", "a is in b is in a")], ids=["itself", "another"]
)
def test_a_team_that_is_declared_above_itself_is_reported_with_its_line(
    tmp_path: Path, below: str, circle: str
) -> None:
    table = f'[plugins.virtual_keys.teams.a]\nparent = "{below}"\n'
    table += '[plugins.virtual_keys.teams.b]\nparent = "a"\n'
    with pytest.raises(ConfigError) as error:
        observed_gateway(table, directory=tmp_path)
    (problem,) = error.value.problems
    assert re.match(
        r"jackfield\.toml:[24]:10: plugins\.virtual_keys\.teams\.[ab]\.parent: ", problem
    )
    assert problem.endswith(circle)
