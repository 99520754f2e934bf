"""The command of a collection, with a gateway that runs and without one."""

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from attrs import frozen

from jackfield.commands import links, main
from jackfield.store import StoreUnavailable
from jackfield.testing.memory_store import MemoryStore

HERE = Path(__file__).parent
POINTS = """\
[jackfield.plugins]
memory = office:Memory
office = office:Office
keys = office:Keys
[jackfield.commands]
teams = office:teams_command
"""
CONFIG = """\
[server]
bind = "127.0.0.1:1"
admin = "unix:admin.sock"
front_doors = []
[plugins.memory]
[plugins.office]
"""


@frozen
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a configuration, where the plugins are installed."""
    installed = tmp_path / "site" / "office-1.2.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: office\nVersion: 1.2\n")
    (installed / "entry_points.txt").write_text(POINTS)
    places = [str(HERE), str(installed.parent)]
    for place in places:
        monkeypatch.syspath_prepend(place)
    inherited = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*places, inherited]))
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    monkeypatch.setattr(importlib.import_module("office").Memory, "shared", MemoryStore())
    work = tmp_path / "work"
    work.mkdir()
    (work / "jackfield.toml").write_text(CONFIG)
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def jackfield(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def run(*words: str) -> Ran:
        code = main(words)
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A gateway that runs, in a process of its own with a store of its own."""
    command = [sys.executable, "-m", "jackfield", "serve", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("serving on" in line for line in lines)
        yield process
        process.kill()


def test_items_are_created_and_shown_while_no_gateway_runs(jackfield: Run) -> None:
    made = jackfield("teams", "create", "red", "--seats", "3", "--tags", "x", "--tags", "y")
    assert made.code == 0
    assert "key of red" in made.out
    assert "shown only now" in made.out
    shown = jackfield("teams", "show", "red", "--json").json
    assert (shown["seats"], shown["tags"]) == (3, ["x", "y"])


def test_a_running_gateway_is_called(
    jackfield: Run, serving: subprocess.Popen[str], folder: Path
) -> None:
    assert jackfield("teams", "create", "red", "--seats", "3").code == 0
    assert jackfield("teams", "list", "--json").json["data"][0]["seats"] == 3
    serving.kill()
    serving.wait()
    assert (folder / "admin.sock").exists()
    assert jackfield("teams", "list", "--json").json["data"] == []


def test_a_listener_that_does_not_answer_is_waited_for_only_so_long(
    jackfield: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "admin.sock"))
        listener.listen()
        ran = jackfield("teams", "list")
    assert ran.code == 1
    assert "/work/admin.sock cannot be asked: no answer" in ran.err


def test_a_listener_that_closes_the_connection_is_named(jackfield: Run, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "admin.sock"))
        listener.listen()

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        closing = Thread(target=hang_up)
        closing.start()
        ran = jackfield("teams", "list")
        closing.join()
    assert ran.code == 1
    assert "/work/admin.sock cannot be asked" in ran.err


def test_another_configurations_gateway_is_distinguished_from_ones_own(
    jackfield: Run, serving: subprocess.Popen[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = folder / "other"
    for made in (other, folder / "jackfield-state"):
        made.mkdir()
    address = f"unix:{folder}/admin.sock"
    (other / "jackfield.toml").write_text(CONFIG.replace("unix:admin.sock", address))
    monkeypatch.chdir(other)
    ran = jackfield("teams", "create", "red")
    assert (ran.code, ran.out) == (2, "")
    assert f"keeps its state in {folder}/jackfield-state" in ran.err
    assert jackfield("teams", "list", "--config", "../jackfield.toml").out == "no teams\n"


def test_a_change_that_comes_late_fails(jackfield: Run) -> None:
    etag = jackfield("teams", "create", "red", "--json").json["etag"]
    changed = jackfield("teams", "update", "red", "--seats", "4", "--if-match", etag)
    assert (changed.code, changed.err) == (0, "")
    late = jackfield("teams", "update", "red", "--seats", "5", "--if-match", etag)
    assert late.code == 1
    assert "has changed since it was read" in late.err


def test_a_key_in_the_environment_is_brought_along(
    jackfield: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackfield.toml").write_text(f"{CONFIG}[plugins.keys]\n")
    assert jackfield("teams", "create", "red").code == 0
    monkeypatch.setenv("JACKFIELD_ADMIN_KEY", "auditor")
    assert jackfield("teams", "show", "red").code == 0
    refused = jackfield("teams", "create", "blue")
    assert refused.code == 1
    assert "The role 'auditor' may not create teams." in refused.err
    monkeypatch.setenv("JACKFIELD_ADMIN_KEY", "unknown")
    unknown = jackfield("teams", "show", "red")
    assert unknown.code == 1
    assert unknown.err.endswith("Commands use the key in JACKFIELD_ADMIN_KEY.\n")


def test_a_gateway_without_an_admin_listener_is_opened_here(jackfield: Run, folder: Path) -> None:
    (folder / "jackfield.toml").write_text(CONFIG.replace("unix:admin.sock", ""))
    assert jackfield("teams", "create", "red").code == 0


def test_a_store_that_is_away_is_reported_in_a_line(
    jackfield: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr(importlib.import_module("office").Memory, "start", away)
    ran = jackfield("teams", "list")
    assert (ran.code, ran.err) == (1, "jackfield: The store does not answer.\n")


def test_a_configuration_that_is_wrong_is_reported(jackfield: Run, folder: Path) -> None:
    (folder / "jackfield.toml").write_text(CONFIG.replace("front_doors", "front_door"))
    ran = jackfield("teams", "list")
    assert ran.code == 2
    assert 'did you mean "front_doors"?' in ran.err


def test_a_configuration_without_the_plugin_is_named(jackfield: Run, folder: Path) -> None:
    (folder / "jackfield.toml").write_text(CONFIG.replace("[plugins.office]\n", ""))
    ran = jackfield("teams", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "jackfield teams list: jackfield.toml has no plugin for this" in ran.err


def test_a_field_gets_its_default_again(jackfield: Run) -> None:
    jackfield("teams", "create", "red", "--seats", "4")
    assert jackfield("teams", "update", "red", "--unset", "seats", "--json").json["seats"] == 0


def test_lists_are_filtered_and_have_pages(jackfield: Run) -> None:
    for name in ("a", "b", "c"):
        jackfield("teams", "create", name, "--tags", name)
    listed = jackfield("teams", "list", "--limit", "2")
    assert "there are more: --after b" in listed.out
    assert "SEATS" in listed.out
    assert jackfield("teams", "list", "--where", "tags=c", "--json").json["data"][0]["id"] == "c"
    assert jackfield("teams", "list", "--where", "tags=z").out == "no teams\n"


def test_actions_and_deletion_have_their_commands(jackfield: Run) -> None:
    jackfield("teams", "create", "red")
    assert jackfield("teams", "grow", "red", "--by", "5", "--json").json["seats"] == 5
    assert jackfield("teams", "revoke", "red").out == "deleted team red\n"
    assert jackfield("teams", "show", "red").code == 1


def test_what_is_given_once_is_not_taken_for_an_unknown_option(jackfield: Run) -> None:
    jackfield("teams", "create", "red")
    changed = jackfield("teams", "update", "red", "--organization", "acme")
    assert (changed.code, "`organization` can no longer be changed" in changed.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("creat", "x"), 2, 'did you mean "create"?'),
        (("create",), 2, "NAME"),
        (("create", "x", "--seets", "1"), 2, 'did you mean "--seats"?'),
        (("create", "x", "--seats", "many"), 2, "expected a number, found 'many'"),
        (("create", "x", "--seats", "-1"), 2, "seats: must be >= 0"),
        (("create", "x", "--parent", "nobody"), 2, "no team 'nobody'"),
        (("list", "--where", "seets=1"), 2, 'did you mean "seats"?'),
        (("list", "--where", "seats"), 2, "expected FIELD=VALUE"),
        (("list", "--where", "=1"), 2, "expected FIELD=VALUE"),
        (("list", "--where", "tags=a", "--where", "tags=b"), 2, "each once, found 'tags=b'"),
        (("create", "x", "--seats", "nan"), 2, "expected a number, found 'nan'"),
        (("create", "x", "--seats", "1e999"), 2, "expected a number, found '1e999'"),
        (("show", "\udcff"), 2, "this is not UTF-8"),
        (("show", ""), 2, "'' is no id"),
        (("delete", "../teams"), 2, "'../teams' is no id"),
        (("update", "x"), 2, "no changes were given"),
        (("show", "x"), 1, "no team 'x'"),
    ],
)
def test_what_is_wrong_is_reported_in_a_line(
    jackfield: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    ran = jackfield("teams", *words)
    assert ran.code == code
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_the_help_has_every_field_with_its_words(
    jackfield: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        jackfield("teams", "create", "--help")
    text = " ".join(capsys.readouterr().out.split())
    for words in ("--seats N", "How many people it has room for.", "high|low", "May be repeated."):
        assert words in text
    assert "--mark" not in text


def test_a_plan_is_shown_before_it_is_carried_out(jackfield: Run, folder: Path) -> None:
    jackfield("teams", "create", "blue")
    (folder / "jackfield.toml").write_text(f"{CONFIG}teams = {{ red = 1, blue = 2 }}\n")
    steps = jackfield("plan", "--json").json["steps"]
    assert [(step["action"], step["id"]) for step in steps] == [
        ("create", "red"),
        ("update", "blue"),
    ]
    assert jackfield("plugins").code == 0
    assert "seats: 0 → 2" in jackfield("plan").out
    assert "+ create" in jackfield("plan").out, "a command that only shows items has created some"
    assert [one["id"] for one in jackfield("teams", "list", "--json").json["data"]] == [
        "blue",
        "red",
    ]
    assert "all is as jackfield.toml declares it" in jackfield("plan").out


def test_an_action_is_done_once_for_each_idempotency_key(jackfield: Run) -> None:
    jackfield("teams", "create", "red")
    grow = ("teams", "grow", "red", "--by", "5", "--json", "--idempotency-key")
    seats = [jackfield(*grow, key).json["seats"] for key in ("k", "k", "l")]
    assert seats == [5, 5, 10]
