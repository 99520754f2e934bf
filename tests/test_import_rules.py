"""Who may import whom: the contracts of import-linter, and that none of their lists has a gap."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
KERNEL = ROOT / "kernel/src/jackfield"
ROOMS = [
    *sorted(path.parent for path in ROOT.glob("builtin_plugins/*/src")),
    *sorted(path.parent for path in ROOT.glob("contrib/*/src")),
    ROOT / "plugin_template",
]
PACKAGES = {path.name for room in ROOMS for path in room.glob("src/jackfield_*")}
TOOLS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
LINTER = TOOLS["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
SPEAKS_HTTP = re.compile(r"_(server|client|lean_body)")

each_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)


def modules(folder: Path) -> set[str]:
    """The direct children of a package, as import-linter sees them."""
    inner = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return inner | {path.parent.name for path in folder.glob("*/__init__.py")}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_import_linter_keeps_every_contract() -> None:
    """In a process of its own: it turns off the loggers of the one that it runs in."""
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_the_linter_knows_every_package() -> None:
    assert set(LINTER["root_packages"]) == {"jackfield", *PACKAGES}, "make rooms"


@pytest.mark.parametrize(
    ("contract", "key"),
    [
        ("kernel-knows-no-plugin", "forbidden_modules"),
        ("plugins-are-strangers", "modules"),
    ],
)
def test_the_contracts_name_every_plugin(contract: str, key: str) -> None:
    assert set(CONTRACTS[contract][key]) == PACKAGES, f"{key}: make rooms"


def test_every_kernel_module_has_its_layer() -> None:
    layers = CONTRACTS["kernel-layers"]["layers"]
    placed = {name for layer in layers for name in re.findall(r"\w+", layer)}
    unplaced = modules(KERNEL) - placed
    assert not unplaced, f"give each a layer under kernel-layers in pyproject.toml: {unplaced}"


def test_every_private_kernel_module_is_protected() -> None:
    private = {f"jackfield.{name}" for name in modules(KERNEL) if re.match(r"_[a-z]", name)}
    listed = set(CONTRACTS["kernel-keeps-its-private-modules"]["protected_modules"])
    assert listed == private, "protected_modules: make rooms"


@each_room
def test_a_room_imports_only_what_the_kernel_makes_public(room: Path) -> None:
    private = re.compile(r"^jackfield\.(\w+\.)*_[a-z]")
    seen = {
        str(path): {n for n in imports(path) if private.match(n)} for path in room.rglob("*.py")
    }
    guilty = {path: names for path, names in seen.items() if names}
    assert not guilty, f"names with an underscore may change in any release: {guilty}"


@each_room
def test_a_room_imports_no_other_room(room: Path) -> None:
    other_rooms = PACKAGES - {path.name for path in room.glob("src/*")}
    found = {name.split(".")[0] for path in room.rglob("*.py") for name in imports(path)}
    assert not found & other_rooms, "plugins and their tests never need each other"


def test_only_server_and_client_know_the_http_library() -> None:
    sources = [
        *KERNEL.rglob("*.py"),
        *(path for room in ROOMS for path in room.rglob("src/**/*.py")),
    ]
    guilty = [
        path
        for path in sources
        if any(name.split(".")[0] == "aiohttp" for name in imports(path))
        and not (
            path.is_relative_to(KERNEL) and SPEAKS_HTTP.match(path.relative_to(KERNEL).parts[0])
        )
    ]
    assert not guilty, f"speak to jackfield.http instead: {guilty}"
