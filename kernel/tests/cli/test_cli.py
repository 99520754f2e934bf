"""What holds for every command: help, wrong words, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from jackfield._cli import main

from .conftest import Run

COMMANDS = ["serve", "check", "init", "plugins", "explain", "new-plugin", "version"]


def test_without_a_word_it_shows_the_help(jackfield_process: Run) -> None:
    ran = jackfield_process()
    assert ran.code == 0
    assert [name for name in COMMANDS if f"\n    {name}" not in ran.out] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_is_for(command: str, jackfield_process: Run) -> None:
    ran = jackfield_process(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: jackfield {command} ")
    assert len(ran.out.splitlines()) > 5


def test_an_unknown_command_is_refused_with_the_nearest_one(jackfield: Run) -> None:
    ran = jackfield("srve")
    assert ran.code == 2
    assert ran.err == (
        'jackfield: unknown command "srve"; did you mean "serve"? (see `jackfield --help`)\n'
    )


def test_an_unknown_option_is_refused_with_the_nearest_one(jackfield: Run) -> None:
    ran = jackfield("check", "--confg=x.toml")
    assert ran.code == 2
    assert ran.err == (
        'jackfield check: unknown argument "--confg"; did you mean "--config"? '
        "(see `jackfield check --help`)\n"
    )


def test_an_option_before_the_command_is_refused_as_such(jackfield: Run) -> None:
    ran = jackfield("-x", "version")
    assert ran.code == 2
    assert ran.err == 'jackfield: unknown argument "-x" (see `jackfield --help`)\n'


def test_a_missing_argument_is_refused_in_one_line(jackfield: Run) -> None:
    ran = jackfield("explain")
    assert ran.code == 2
    assert ran.err.startswith("jackfield explain: the following arguments are required: REQUEST")
    assert ran.err.count("\n") == 1


def test_a_plugin_may_bring_a_command(jackfield: Run) -> None:
    assert jackfield("greet", "Polly").code == 5


def test_commands_of_plugins_are_listed_without_importing_them(jackfield_process: Run) -> None:
    rows = [line.split() for line in jackfield_process().out.splitlines()]
    assert ["greet", "from", "sample"] in rows


def test_what_a_command_does_not_need_is_not_imported(folder: Path) -> None:
    heavy = "{'aiohttp', 'rich', 'uvloop', 'sample_plugins', 'jackfield._gateway'}"
    code = "import sys; from jackfield._cli import main; main(['version']); "
    code += f"print(set(sys.modules) & {heavy})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("jackfield", "{'cattrs', 'importlib.metadata', 'jackfield.config', 'jackfield.ledger'}"),
        ("jackfield.commands.client", "{'aiohttp', 'uvloop', 'jackfield._gateway'}"),
        ("jackfield.catalogue", "{'aiohttp'}"),  # which endpoints of plugins name
    ],
)
def test_what_commands_begin_with_is_light(module: str, heavy: str) -> None:
    code = f"import sys, {module}; print(set(sys.modules) & {heavy})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m jackfield check --json | true"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert ran.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_it_can_be_started_without_its_standard_streams(folder: Path, closed: str) -> None:
    command = f"{sys.executable} -m jackfield version {closed}"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_bug_keeps_its_traceback(folder: Path) -> None:
    (folder / "broken.toml").write_text("[providers.parrot]\n")
    with pytest.raises(TypeError):
        main(["greet", 3])  # type: ignore[list-item]


def test_the_versions_of_all_that_matters_are_shown(jackfield: Run) -> None:
    ran = jackfield("version")
    labels = [line.split("  ")[0] for line in ran.out.splitlines()]
    assert labels[:4] == ["jackfield", "python", "aiohttp", "event loop"]
    assert "plugin guard" in labels
    assert "(C parser)" in ran.out
    assert jackfield("--version") == ran
