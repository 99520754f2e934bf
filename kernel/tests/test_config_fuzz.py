"""Whatever stands in the file, it is read or refused, and nothing else."""

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield._config.toml_text import toml_text
from jackfield.config import (
    ModelTable,
    PluginTable,
    ProviderTable,
    Server,
    Settings,
    Tls,
    Upstream,
    WeightedTarget,
    parse,
    read_settings,
)
from jackfield.errors import ConfigError

pytestmark = pytest.mark.timeout(120)
PIECES = st.sampled_from(
    [*"ab.= []{},#'1é\"\\\n\t\r", "\r\n", "[[", "]]", '"""', "'''", "1979-05-27", "true"]
)
TABLES = (Settings, Server, Tls, Upstream, ProviderTable, PluginTable, ModelTable, WeightedTarget)
NAMES = [field.name for table in TABLES for field in attrs.fields(table)]
WORDS = st.sampled_from([*NAMES, "a", "b", "a/b", "", "env:A"])
LEAVES = WORDS | st.integers(-2, 9) | st.booleans() | st.floats(-1, 1) | st.dates() | st.datetimes()
TREES = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=4),
    max_leaves=25,
)


@settings(deadline=None, max_examples=500)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_parsed_or_refused_in_one_line(text: str) -> None:
    try:
        document = parse(text, "j.toml")
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.startswith("j.toml:")
        assert len(problem.splitlines()) == 1
    else:
        assert document.text == text


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(WORDS, TREES, max_size=5))
def test_any_tree_gives_settings_and_a_list_of_problems(tree: dict[str, Any]) -> None:
    text = "\n".join(f'"{key}" = {toml_text(value)}' for key, value in tree.items())
    document = parse(text, "j.toml")
    read_settings(document)
    assert all(line.startswith("j.toml:") for line in document.problems.lines)
