"""`jackfield new-plugin`: a folder with a plugin that works, and what to do next."""

from pathlib import Path

from .conftest import Run


def test_it_makes_a_plugin_and_says_what_is_next(folder: Path, jackfield: Run) -> None:
    ran = jackfield("new-plugin", "tide_table", "--into", "plugins")
    assert (ran.code, ran.err) == (0, "")
    made = folder / "plugins" / "tide_table"
    assert (made / "src" / "jackfield_tide_table" / "__init__.py").is_file()
    assert ran.out.splitlines()[0] == "made plugins/tide_table"
    assert "  pip install -e plugins/tide_table " in ran.out
    assert "[plugins.tide_table]" in ran.out


def test_a_name_that_is_none_is_one_line(folder: Path, jackfield: Run) -> None:
    ran = jackfield("new-plugin", "Word Filter")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Word Filter: ")
    assert ran.err.count("\n") == 1
    assert not list(folder.iterdir())
