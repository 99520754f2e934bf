"""The generated pages of docs/ say what the code says."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts/docs.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_every_header_of_the_gateway_is_documented() -> None:
    sources = [*ROOT.glob("kernel/src/**/*.py"), *ROOT.glob("builtin_plugins/*/src/**/*.py")]
    name = r"\bx-jackfield-[a-z-]+"
    used = {found for path in sources for found in re.findall(name, path.read_text())}
    documented = set(re.findall(name, (ROOT / "docs/endpoints.md").read_text()))
    assert used <= documented, "add them to HEADERS in scripts/docs.py, then: make docs"


def test_every_code_of_an_error_is_documented() -> None:
    sources = [*ROOT.glob("kernel/src/**/*.py"), *ROOT.glob("builtin_plugins/*/src/**/*.py")]
    given = r'^    code(?:: ClassVar\[str\])? = "(\w+)"'
    used = {code for path in sources for code in re.findall(given, path.read_text(), re.MULTILINE)}
    pages = [(ROOT / "docs" / name).read_text() for name in ("troubleshooting.md", "admin.md")]
    undocumented = sorted(code for code in used if not any(f"`{code}`" in page for page in pages))
    assert not undocumented, "say in docs/troubleshooting.md what to do about them"


def test_every_warning_and_error_of_the_log_is_documented() -> None:
    sources = [*ROOT.glob("kernel/src/**/*.py"), *ROOT.glob("builtin_plugins/*/src/**/*.py")]
    logged = {text for path in sources for text in warnings(ast.parse(path.read_text()))}
    page = " ".join((ROOT / "docs/troubleshooting.md").read_text().split())
    undocumented = sorted(text for text in logged if text not in page)
    assert len(logged) > 30
    assert not undocumented, "say in docs/troubleshooting.md what to do about them"


def warnings(tree: ast.Module) -> Iterator[str]:
    """Of each message that is logged as a warning or worse, the first words that never differ."""
    for call in ast.walk(tree):
        match call:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name("logger" | "_logger"), attr="warning" | "error" | "exception"
                ),
                args=[ast.Constant(str(message)), *_],
            ):
                parts = [part.strip(" ,()") for part in re.split(r"%[.\d]*[a-z]|[:;]", message)]
                yield next((part for part in parts if " " in part), max(parts, key=len))
