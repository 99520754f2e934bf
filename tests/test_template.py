"""`jackfield new-plugin` makes a plugin that can be installed and whose tests pass."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jackfield._cli.plugin_template import create, template_folder
from jackfield.errors import ConfigError

ROOT = Path(__file__).parents[1]
NAME = "tide_table"
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]


def run(*command: str, **environment: str) -> None:
    """Run a tool of this environment and show its output if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_name_of_the_template_is_left(tmp_path: Path) -> None:
    folder = create(NAME, tmp_path)
    assert folder == tmp_path / NAME
    paths = [path for path in folder.rglob("*") if path.is_file()]
    texts = [str(path.relative_to(tmp_path)) + path.read_text() for path in paths]
    assert not [text for text in texts if "example" in text.lower()]
    assert (folder / "src/jackfield_tide_table/plugin.py").is_file()
    assert 'tide_table = "jackfield_tide_table:TideTable"' in "".join(texts)
    assert 'name = "jackfield-tide-table"' in "".join(texts)


def test_the_new_plugin_can_be_installed_and_its_tests_pass(tmp_path: Path) -> None:
    folder, site = create(NAME, tmp_path), tmp_path / "site"
    run("pip", "install", *OFFLINE, "--target", str(site), str(folder))
    options = ["-q", "-W", "error", "-p", "no:cacheprovider"]
    run("pytest", *options, str(folder), PYTHONPATH=str(site))


def test_the_kernel_ships_the_template(tmp_path: Path) -> None:
    run("pip", "wheel", *OFFLINE, "--wheel-dir", str(tmp_path), str(ROOT / "kernel"))
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if "/_template/" in name}
    template = template_folder()
    wanted = {
        f"jackfield/_template/{path.relative_to(template)}"
        for path in template.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == wanted


@pytest.mark.parametrize("name", ["", "Word", "word-filter", "2words", "_word"])
def test_a_name_that_cannot_be_a_plugins_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name"):
        create(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("class", "Python"),
        ("example", "the template"),
        ("json", "Python"),
        ("kernel", "the kernel"),
        ("config", "the kernel"),
        ("openai", "an installed plugin"),
    ],
)
def test_a_name_that_is_taken_is_refused(name: str, owner: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{name}: {owner} has this name; choose another"):
        create(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(ConfigError, match="already exists"):
        create(NAME, tmp_path)
    assert not list((tmp_path / NAME).iterdir())
