"""`jackfield init`: a first configuration, never over another one."""

import tomllib
from pathlib import Path

import pytest

from .conftest import Run


def test_it_writes_a_file_that_passes_the_check(folder: Path, jackfield: Run) -> None:
    ran = jackfield("init", "--provider", "parrot", "--provider", "parrot")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "wrote jackfield.toml")
    written = tomllib.loads((folder / "jackfield.toml").read_text())
    assert written["providers"] == {"parrot": {"keys": ["env:PARROT_KEY"]}}
    assert written["server"]["bind"] == "127.0.0.1:4747"
    assert "openai" in written["server"]["front_doors"]


def test_without_a_word_it_takes_the_providers_whose_keys_are_there(
    folder: Path, jackfield: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_KEY", "a key")
    assert jackfield("init", "own.toml").code == 0
    text = (folder / "own.toml").read_text()
    assert "parrot" in tomllib.loads(text)["providers"]
    assert "a key" not in text


def test_it_writes_over_a_file_only_with_the_option(folder: Path, jackfield: Run) -> None:
    (folder / "jackfield.toml").write_text("# own")
    ran = jackfield("init", "-p", "parrot")
    assert (ran.code, ran.err) == (2, "jackfield.toml: already exists; --force overwrites it\n")
    assert (folder / "jackfield.toml").read_text() == "# own"
    assert jackfield("init", "-p", "parrot", "--force").code == 0
    assert (folder / "jackfield.toml").read_text() != "# own"


@pytest.mark.parametrize("words", [["."], [".", "--force"]])
def test_a_directory_is_no_file(jackfield: Run, words: list[str]) -> None:
    ran = jackfield("init", *words)
    assert (ran.code, ran.err) == (2, ".: this is a directory; name the file in it\n")


def test_a_place_where_it_cannot_write_is_one_line(jackfield: Run) -> None:
    ran = jackfield("init", "no/such/folder.toml", "-p", "parrot")
    assert ran.code == 2
    assert ran.err == "no/such/folder.toml: cannot be written: No such file or directory\n"


def test_what_is_no_provider_is_refused(folder: Path, jackfield: Run) -> None:
    ran = jackfield("init", "-p", "parot", "-p", "guard")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        '--provider parot: unknown plugin; did you mean "parrot"?',
        "--provider guard: this plugin is no provider",
    ]
    assert not list(folder.iterdir())


def test_a_plugin_whose_keys_cannot_be_read_is_named_and_left_out(
    folder: Path, jackfield_process: Run
) -> None:
    with (folder.parent / "site/sample-1.2.dist-info/entry_points.txt").open("a") as points:
        points.write("[jackfield.well_known_keys]\nabsent = no_such_module:keys\n")
    ran = jackfield_process("init", PARROT_KEY="a key")
    assert (ran.code, "[providers.parrot]" in Path("jackfield.toml").read_text()) == (0, True)
    assert ran.err == (
        "plugin absent: its well-known keys cannot be read:"
        " ModuleNotFoundError: No module named 'no_such_module'\n"
    )
