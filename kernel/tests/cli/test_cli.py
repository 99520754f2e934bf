"""What holds for every command: help, wrong words, exit codes."""

import os
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


def test_a_request_that_nobody_sends_is_one_line(folder: Path) -> None:
    command = f"{sys.executable} -m jackfield explain - <&-"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "stdin: The body is not valid JSON: it is empty." in ran.stderr


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


@pytest.mark.parametrize("words", [["check", "--config", ""], ["serve", "-c", ""]])
def test_no_name_of_a_file_is_not_the_default(jackfield: Run, words: list[str]) -> None:
    ran = jackfield(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "is not a file name" in ran.err


def test_a_command_that_cannot_be_loaded_names_who_brings_it(jackfield: Run) -> None:
    ran = jackfield("broken", "--help")
    assert ran.code == 2
    assert ran.err.startswith("jackfield broken: this command from sample cannot be loaded: ")


def test_the_help_can_be_read_in_any_encoding(folder: Path) -> None:
    command = [sys.executable, "-m", "jackfield", "explain", "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b'"headers": {?}' in ran.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "jackfield", "version"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 1
    assert "cannot be written" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_folder_that_is_gone_is_one_line(folder: Path, jackfield: Run) -> None:
    folder.rmdir()
    ran = jackfield("check")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "the current folder no longer exists" in ran.err
