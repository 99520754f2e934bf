"""The shape of the house: every room looks the same, and every list of rooms is complete."""

import ast
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
KERNEL = ROOT / "kernel"
TEMPLATE = ROOT / "plugin_template"
BUILTINS = sorted(path for path in (ROOT / "builtin_plugins").iterdir() if path.is_dir())
CONTRIB = sorted(path for path in (ROOT / "contrib").iterdir() if path.is_dir())
PLUGINS = [*BUILTINS, *CONTRIB, TEMPLATE]

LONGEST_FILE = 400
LARGEST_CORE = 4_000
# Parts of the kernel that can be read, or left unread, by themselves: the libraries, which know
# nothing of an exchange, the back door, which is all that `HttpProvider` is made of, the vocabulary
# of dialects, shared state, the price book, and administration.
BACK_DOOR = (
    "_fetching.py",
    "_media.py",
    "_provider_answer.py",
    "_provider_request.py",
    "_provider_routes.py",
    "_provider_stream.py",
    "_scrubber.py",
    "_lost_places.py",
    "_shortfalls.py",
    "_tool_names.py",
    "_translation.py",
    "_upstream_error.py",
    "http_provider.py",
    "keys.py",
)
VOCABULARY = (
    "capabilities.py",
    "events.py",
    "fields.py",
    "forms.py",
    "framing.py",
    "globs.py",
    "losses.py",
    "messages.py",
    "proofs.py",
    "scopes.py",
    "vectors.py",
)
STATE = (
    "_journal",
    "_ledger",
    "_slice_sets.py",
    "_slices.py",
    "_wait_queue.py",
    "allowances.py",
    "journal.py",
    "ledger.py",
    "store.py",
    "windows.py",
)
PRICES = (
    "_media_bounds.py",
    "_plain_request.py",
    "_price_list.py",
    "_usage_switch.py",
    "bounds.py",
    "adjustments.py",
    "charges.py",
    "estimates.py",
    "money.py",
    "prices.py",
    "rates.py",
)
SESSIONS = ("_first_message.py", "_session_models.py", "_websocket", "realtime.py")
ADMINISTRATION = ("_admin_frontend.py", "_administration.py", "admin", "commands")
PARTS = {
    "_cli": 1_100,
    "_client": 1_350,
    "_config": 1_000,
    "_server": 1_300,
    "asgi.py": 200,
    "json_spans.py": 200,
    "secrets.py": 180,
    "sse.py": 150,
    "strict_json.py": 200,
    "tokens.py": 100,
    "wsgi.py": 200,
    "administration": 2_250,
    "back door": 1_500,
    "prices": 1_050,
    "sessions": 770,
    "state": 2_200,
    "vocabulary": 850,
}
GROUPS = {
    "_client": ("_lean_body.py",),
    "administration": ADMINISTRATION,
    "back door": BACK_DOOR,
    "prices": PRICES,
    "sessions": SESSIONS,
    "state": STATE,
    "vocabulary": VOCABULARY,
}
UNWRITTEN = {".venv", ".git", "node_modules", "build", "dist", "__pycache__"}
REGISTRY_HOSTS = [f"{name}.org" for name in ("pypi", "pythonhosted", "npmjs")]
PLACEHOLDERS = re.compile(rf"\b({'|'.join(['TO' + 'DO', 'FIX' + 'ME', 'X' * 3])})\b")

each_plugin = pytest.mark.parametrize("room", PLUGINS, ids=lambda room: room.name)
each_room = pytest.mark.parametrize("room", [KERNEL, *PLUGINS], ids=lambda room: room.name)


def name_of(room: Path) -> str:
    return "example" if room == TEMPLATE else room.name


def package_of(room: Path) -> Path:
    return room / "src" / ("jackfield" if room == KERNEL else f"jackfield_{name_of(room)}")


def manifest(room: Path) -> dict[str, Any]:
    return tomllib.loads((room / "pyproject.toml").read_text())


def written_files() -> Iterator[Path]:
    """Every file of the repository that a person wrote, or a tool wrote to be kept."""
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in UNWRITTEN and not name.endswith("_cache")]
        yield from (Path(folder, name) for name in names)


def python_files() -> list[Path]:
    return [path for path in written_files() if path.suffix == ".py"]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@each_room
def test_every_room_has_the_same_shape(room: Path) -> None:
    package = package_of(room)
    wanted = [room / "pyproject.toml", room / "README.md", package / "py.typed", room / "tests"]
    missing = [str(path.relative_to(ROOT)) for path in wanted if not path.exists()]
    assert not missing, f"missing: {missing}"
    packages = [path.name for path in package.parent.iterdir() if path.name != "__pycache__"]
    assert packages == [package.name], f"src/ holds {packages}, wanted only {package.name}"
    assert any(room.glob("tests/**/test_*.py")), f"{room.name}/tests has no test_*.py"


@each_plugin
def test_one_word_names_a_plugin_in_five_places(room: Path) -> None:
    name, project = name_of(room), manifest(room)["project"]
    assert project["name"] == f"jackfield-{name.replace('_', '-')}"
    assert list(project["entry-points"]["jackfield.plugins"]) == [name]
    entry_point = project["entry-points"]["jackfield.plugins"][name]
    assert entry_point.startswith(f"jackfield_{name}:"), f"entry point is {entry_point}"
    assert package_of(room).is_dir(), f"no package at {package_of(room)}"
    assert name in configured_tables(room), f"README.md of {name} has no TOML block for {name!r}"


def configured_tables(room: Path) -> set[str]:
    blocks = re.findall(r"^```toml\n(.*?)^```", (room / "README.md").read_text(), re.S | re.M)
    tables = [tomllib.loads(block) for block in blocks]
    return {
        name for top in tables for kind in ("plugins", "providers") for name in top.get(kind, ())
    }


@each_plugin
def test_a_plugin_can_be_loaded_by_its_name(room: Path) -> None:
    (found,) = entry_points(group="jackfield.plugins", name=name_of(room))
    assert isinstance(found.load(), type), f"{found.value} is not a class"


@each_plugin
def test_a_plugin_needs_only_the_kernel_and_libraries(room: Path) -> None:
    projects = [manifest(other)["project"] for other in PLUGINS]
    siblings = {one["name"] for one in projects}
    lenders = {one["name"] for one in projects if "jackfield.dialects" in one["entry-points"]}
    needs = {re.split(r"[^\w.-]", line)[0] for line in manifest(room)["project"]["dependencies"]}
    assert "jackfield-kernel" in needs
    others = needs & siblings - lenders
    assert not others, f"of another plugin only its dialects may be needed: {others}"


@each_room
def test_tools_are_set_up_in_the_root_alone(room: Path) -> None:
    assert set(manifest(room).get("tool", {})) <= {"hatch"}, "move this to the root pyproject.toml"


def test_requirements_txt_installs_every_room() -> None:
    listed = {line.split("[")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    rooms = {f"-e ./{room.relative_to(ROOT)}" for room in [KERNEL, *PLUGINS]}
    assert not rooms - listed, f"make rooms; missing: {sorted(rooms - listed)}"


def test_every_built_in_plugin_is_an_extra_and_in_all() -> None:
    extras = manifest(ROOT)["project"]["optional-dependencies"]
    names = sorted(room.name.replace("_", "-") for room in BUILTINS)
    assert sorted(set(extras) - {"all"}) == names, "make rooms"
    assert extras["all"] == [f"jackfield[{','.join(names)}]"]
    for name in names:
        assert extras[name] == [f"jackfield-{name}=={manifest(ROOT)['project']['version']}"]


def test_uv_and_mypy_know_every_room() -> None:
    tools = manifest(ROOT)["tool"]
    shipped = {manifest(room)["project"]["name"] for room in [KERNEL, *BUILTINS]}
    assert set(tools["uv"]["sources"]) == shipped, "[tool.uv.sources]: make rooms"
    folders = {str((room / "src").relative_to(ROOT)) for room in [KERNEL, *PLUGINS]}
    assert set(tools["mypy"]["mypy_path"]) == folders, "mypy_path: make rooms"


def test_everything_shipped_together_has_one_version() -> None:
    versions = {room.name: manifest(room)["project"]["version"] for room in [KERNEL, *BUILTINS]}
    expected = manifest(ROOT)["project"]["version"]
    assert set(versions.values()) == {expected}, f"the root says {expected}, the rooms {versions}"
    assert f"## {expected}" in (ROOT / "CHANGELOG.md").read_text(), "CHANGELOG.md misses it"


def test_every_room_wants_the_same_python() -> None:
    rooms = [ROOT, KERNEL, *PLUGINS]
    assert {manifest(room)["project"]["requires-python"] for room in rooms} == {">=3.11"}


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in python_files()}
    long = {path: count for path, count in long.items() if count > LONGEST_FILE}
    assert not long, f"split along their nouns (at most {LONGEST_FILE} lines): {long}"


def test_the_kernel_can_be_read_in_an_afternoon() -> None:
    """Lines of code, without blank ones, comments and docstrings."""
    sizes: Counter[str] = Counter()
    package = package_of(KERNEL)
    for path in package.rglob("*.py"):
        sizes[part_of(path.relative_to(package).parts[0])] += lines_of_code(path)
    limits = {"core": LARGEST_CORE, **PARTS}
    too_large = {part: sizes[part] for part in limits if sizes[part] > limits[part]}
    assert not too_large, f"{too_large}; what is not true of every gateway is a plugin"


def part_of(name: str) -> str:
    for part, names in GROUPS.items():
        if name in names:
            return part
    return name if name in {*PARTS, "testing"} else "core"


def lines_of_code(path: Path) -> int:
    text = path.read_text()
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    rows = ((at, line.strip()) for at, line in enumerate(text.splitlines(), 1))
    return sum(1 for at, line in rows if line and at not in prose and not line.startswith("#"))


def test_an_init_file_only_exports() -> None:
    guilty = [path for path in python_files() if path.name == "__init__.py" and has_code(path)]
    assert not guilty, f"move the code to a module with a name: {guilty}"


def has_code(path: Path) -> bool:
    for node in ast.parse(path.read_text()).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if not (is_docstring or is_all or isinstance(node, ast.ImportFrom)):
            return True
    return False


def test_nothing_is_left_for_later_in_the_code() -> None:
    guilty = [path for path in python_files() if PLACEHOLDERS.search(path.read_text())]
    assert not guilty, f"do it, or write it into an issue: {guilty}"


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = [host.encode() for host in REGISTRY_HOSTS]
    guilty = [path for path in written_files() if any(host in path.read_bytes() for host in hosts)]
    assert not guilty, f"whoever installs chooses the registry: {guilty}"


def test_no_module_is_named_after_nothing() -> None:
    empty = {"common", "helpers", "misc", "util", "utils"}
    guilty = [path for path in python_files() if path.stem.strip("_") in empty]
    assert not guilty, f"name it after what it holds: {guilty}"
