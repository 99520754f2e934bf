"""What no module does: run text as code, trust bytes as objects, switch off a check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for pattern in ("kernel", "builtin_plugins/*", "contrib/*", "plugin_template")
    for path in ROOT.glob(f"{pattern}/src/**/*.py")
)

FORBIDDEN_CALLS = re.compile(
    r"((builtins\.)?(eval|exec|compile|__import__)|os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork)"
    r"|yaml\.(load|load_all|unsafe_load|full_load)|asyncio\.create_subprocess_(exec|shell))"
)
FORBIDDEN_IMPORTS = re.compile(
    r"(pickle|cPickle|marshal|shelve|dill|cloudpickle|jsonpickle|subprocess|ctypes|cffi|code"
    r"|codeop|multiprocessing)(\.|$)"
)
FORBIDDEN_NAMES = {"CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context"}
TLS_SWITCHES = {"verify", "verify_ssl", "ssl", "check_hostname"}
CATCHES_ALL = re.compile(r"\b(everything|Exception|BaseException)\b")

# What a file may do all the same, and why. A line goes when its file no longer needs it.
ALLOWED = {
    (
        "kernel/src/jackfield/_server/supervisor.py",
        "multiprocessing",
    ): "starts workers; only the parent ever writes to the pipe they unpickle from",
    (
        "kernel/src/jackfield/testing/stores/processes.py",
        "multiprocessing",
    ): "tests what several processes do to a store; both ends of the pipe are the test's",
    (
        "kernel/src/jackfield/testing/stores/site.py",
        "import_module",
    ): "opens, in another process, the store that a test has named",
}


def location(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def findings(path: Path) -> Iterator[tuple[str, int]]:
    """What a file does that is forbidden, and on which line."""
    for node in ast.walk(ast.parse(path.read_text())):
        for found in (*calls(node), *imports(node), *unchecked(node), *swallowed(node)):
            yield found, getattr(node, "lineno", 0)


def calls(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    called = ast.unparse(node.func)
    if FORBIDDEN_CALLS.fullmatch(called):
        yield called
    if called.endswith("import_module") and not isinstance(node.args[0], ast.Constant):
        yield "import_module"


def imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    else:
        return
    yield from (match[1] for name in names if (match := FORBIDDEN_IMPORTS.match(name)))


def unchecked(node: ast.AST) -> Iterator[str]:
    """TLS without verification, in any of the spellings Python libraries have for it."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in FORBIDDEN_NAMES:
            yield name
    if isinstance(node, ast.keyword) and node.arg in TLS_SWITCHES and is_false(node.value):
        yield f"{node.arg}=False"
    if isinstance(node, ast.Assign) and ast.unparse(node).endswith("check_hostname = False"):
        yield "check_hostname = False"


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def swallowed(node: ast.AST) -> Iterator[str]:
    """A handler that catches everything and does nothing."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        yield from (
            f"suppress({name})" for arg in node.args if CATCHES_ALL.match(name := ast.unparse(arg))
        )
    if not isinstance(node, ast.ExceptHandler):
        return
    caught = ast.unparse(node.type) if node.type else "everything"
    does_nothing = all(
        isinstance(line, (ast.Pass, ast.Continue))
        or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in node.body
    )
    if does_nothing and CATCHES_ALL.search(caught):
        yield f"except {caught}: pass"


@pytest.mark.parametrize("path", SOURCES, ids=location)
def test_a_module_keeps_the_rules(path: Path) -> None:
    guilty = [
        f"{location(path)}:{line}: {what}"
        for what, line in findings(path)
        if (location(path), what) not in ALLOWED
    ]
    assert not guilty, "\n".join(guilty)


def test_every_exception_to_the_rules_is_still_needed() -> None:
    done = {(location(path), what) for path in SOURCES for what, _ in findings(path)}
    assert not set(ALLOWED) - done, f"remove from ALLOWED: {set(ALLOWED) - done}"


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "compile(text, '', 'exec')",
        "import pickle",
        "from marshal import loads",
        "yaml.load(text)",
        "os.system(command)",
        "from subprocess import run",
        "import ctypes.util",
        "importlib.import_module(name)",
        "fetch(url, verify=False)",
        "TCPConnector(ssl=False)",
        "context.verify_mode = ssl.CERT_NONE",
        "context.check_hostname = False",
        "try:\n    work()\nexcept Exception:\n    pass",
        "try:\n    work()\nexcept (OSError, BaseException):\n    ...",
        "with contextlib.suppress(Exception):\n    work()",
    ],
)
def test_the_rules_see_what_they_forbid(source: str, tmp_path: Path) -> None:
    path = tmp_path / "guilty.py"
    path.write_text(source)
    assert list(findings(path))


@pytest.mark.parametrize(
    "source",
    [
        "re.compile(text)",
        "importlib.import_module('uvloop')",
        "try:\n    work()\nexcept KeyError:\n    pass",
        "try:\n    work()\nexcept Exception:\n    log()",
    ],
)
def test_the_rules_let_the_harmless_pass(source: str, tmp_path: Path) -> None:
    path = tmp_path / "harmless.py"
    path.write_text(source)
    assert not list(findings(path))
