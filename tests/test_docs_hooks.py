"""What the documentation says of hooks, headers, logs and pages is what the code has."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.pages import DOCS, PAGES, ROOT, anchors, first_column, links, name_of, section

from jackfield import Plugin
from jackfield._access_log import facts
from jackfield.plugin import HOOKS
from jackfield.response import OutcomeKind
from jackfield.testing import run_gateway

HOOKS_PAGE = DOCS / "hooks.md"
OPERATIONS_PAGE = DOCS / "operations.md"
HEADER = re.compile(r"\bx-jackfield-[a-z-]+")


def signature(source: str) -> str:
    """A function's first lines as one, however they are written."""
    (function,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    colour = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    returns = ast.unparse(function.returns) if function.returns else ""
    return f"{colour} {function.name}({ast.unparse(function.args)}) -> {returns}"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented_with_its_signature(hook: str) -> None:
    method: Callable[..., Any] = getattr(Plugin, hook)
    under = section(HOOKS_PAGE, f"## {hook}")
    code = re.findall(r"```python\n(.*?)```", under, re.DOTALL)
    assert code, f"docs/hooks.md has no heading '## {hook}' with a python block"
    written = re.sub(r"^@\w+\n", "", textwrap.dedent(inspect.getsource(method)))
    assert signature(code[0]) == signature(written)


def test_no_hook_is_documented_that_there_is_not() -> None:
    text = HOOKS_PAGE.read_text()
    assert set(re.findall(r"^(?:async )?def (\w+)\(", text, re.MULTILINE)) == set(HOOKS)


def test_every_class_attribute_of_a_plugin_is_documented() -> None:
    declared = [name for name in Plugin.__annotations__ if name != "name"]
    text = HOOKS_PAGE.read_text()
    assert not [name for name in declared if name not in text]


def test_every_kind_of_outcome_is_documented() -> None:
    listed = first_column(section(HOOKS_PAGE, "## post_response"))
    assert listed == list(get_args(OutcomeKind))


async def test_every_field_of_the_log_is_documented() -> None:
    async with run_gateway() as client:
        await client.chat()
        settled = client.settled[0]
    written = list(facts(settled.exchange, settled.outcome))
    assert first_column(section(OPERATIONS_PAGE, "## Log")) == written


def test_every_header_in_the_documentation_is_one_of_the_gateways() -> None:
    sources = [*ROOT.glob("kernel/src/**/*.py"), *ROOT.glob("builtin_plugins/*/src/**/*.py")]
    used = {found for path in sources for found in HEADER.findall(path.read_text())}
    documented = {(name, page) for page in PAGES for name in HEADER.findall(page.read_text())}
    assert not [(name, name_of(page)) for name, page in documented if name not in used]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        known = target.exists() and (not anchor or anchor in anchors(target))
        if not known:
            broken.append(link)
    assert not broken


def test_every_page_of_docs_is_in_the_index() -> None:
    listed = {link.partition("#")[0] for link in links(DOCS / "index.md")}
    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert not pages - listed
