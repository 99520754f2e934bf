"""Copies the plugin template under another name."""

import keyword
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from jackfield._entry_points import declared
from jackfield.errors import ConfigError

TEMPLATE: Final = "example"
"""The name of the plugin in the template, wherever a name stands."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_GENERATED: Final = re.compile(r"__pycache__|\..*|.*\.egg-info|build|dist")
_PACKAGE: Final = Path(__file__).parents[1]
_TESTED_ALONE: Final = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
"""


def create(name: str, into: Path) -> Path:
    """Copy the template into the folder `into` under the given name; the new folder.

    Raises ConfigError if the name is not valid for a plugin, or if the folder exists.
    """
    if problem := _name_problem(name):
        raise ConfigError([f"{name}: {problem}"])
    template = template_folder()
    target = into / name
    try:
        target.mkdir(parents=True)
        for source in _files(template):
            path = target / _renamed(str(source.relative_to(template)), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_renamed(source.read_text(), name))
        with (target / "pyproject.toml").open("a") as manifest:
            manifest.write(_TESTED_ALONE)
    except FileExistsError:
        raise ConfigError([f"{target}: already exists; choose another name"]) from None
    except OSError as error:
        raise ConfigError([f"{target}: cannot be written: {error.strerror}"]) from None
    return target


def template_folder() -> Path:
    """The template's folder: in the installed package, or in the repository around it."""
    for folder in (_PACKAGE / "_template", *(up / "plugin_template" for up in _PACKAGE.parents)):
        if (folder / "pyproject.toml").is_file():
            return folder
    raise ConfigError(["the plugin template is missing; reinstall jackfield-kernel"])


def _name_problem(name: str) -> str:
    if not _NAME.fullmatch(name):
        return "a plugin's name is lower-case words with _ between them, such as word_filter"
    owner = _owner_of(name)
    return f"{owner} has this name; choose another" if owner else ""


def _owner_of(name: str) -> str:
    """What already has the name, so that the plugin could not be imported or installed."""
    if keyword.iskeyword(name) or name in sys.stdlib_module_names:
        return "Python"
    if name == "kernel" or find_spec(f"jackfield.{name}"):
        return "the kernel"
    if name == TEMPLATE:
        return "the template"
    is_plugin = any(point.name == name for point in declared("jackfield.plugins"))
    return "an installed plugin" if is_plugin or find_spec(f"jackfield_{name}") else ""


def _files(template: Path) -> Iterator[Path]:
    for path in sorted(template.rglob("*")):
        parts = path.relative_to(template).parts
        if path.is_file() and not any(_GENERATED.fullmatch(part) for part in parts):
            yield path


def _renamed(text: str, name: str) -> str:
    """The text with every spelling of the template's name replaced."""
    words = name.split("_")
    spellings = {
        f"jackfield-{TEMPLATE}": f"jackfield-{'-'.join(words)}",
        TEMPLATE.capitalize(): "".join(word.capitalize() for word in words),
        TEMPLATE: name,
    }
    for old, new in spellings.items():
        text = text.replace(old, new)
    return text
