"""The public surface: what docs/reference.md lists, and nothing else."""

import ast
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
from tests.pages import DOCS, first_column, section

import jackfield

PAGE = DOCS / "reference.md"
MODULES = sorted(
    f"jackfield.{module.name}"
    for module in pkgutil.iter_modules(jackfield.__path__)
    if not module.name.startswith("_")
)


def public_names(module: ModuleType) -> list[str]:
    """Its `__all__`, or else what it defines under a name without an underscore."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.Assign():
                names.update(one.id for one in node.targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return sorted(name for name in names if not name.startswith("_") and name != "logger")


@pytest.mark.parametrize("name", ["jackfield", *MODULES])
def test_the_surface_is_what_the_reference_lists(name: str) -> None:
    listed = first_column(section(PAGE, f"### {name}"))
    names = public_names(importlib.import_module(name))
    assert listed == names, f"the surface has changed: mend '### {name}' in docs/reference.md"


def test_the_reference_lists_no_module_that_is_gone() -> None:
    headings = [line[4:] for line in PAGE.read_text().splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(["jackfield", *MODULES])


@pytest.mark.parametrize("name", ["jackfield", "jackfield.config", "jackfield.testing"])
def test_all_is_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert [one for one in module.__all__ if not hasattr(module, one)] == []
    assert list(module.__all__) == in_ruffs_order(module.__all__)


def in_ruffs_order(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
