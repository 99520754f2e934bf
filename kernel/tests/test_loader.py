"""Plugins that cannot be loaded are named, with their place, and what is wrong with them."""

from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import pytest

from jackfield import Plugin
from jackfield._gateway import Gateway
from jackfield._loader import Installed
from jackfield.config import parse
from jackfield.errors import ConfigError


class Store(Plugin):
    """Brings a store."""

    brings_store = True


class FailsOpenByAccident(Plugin):
    """Has a policy that there is not."""

    on_error: ClassVar[Any] = "ignore"


class HasNoTime(Plugin):
    """Has no time for its hooks."""

    deadline_ms = 0


class NeedsWhatNobodyCanRead(Plugin):
    """Wants a kernel, and cannot say which."""

    requires = "~=0.1"


class NeedsAnother(Plugin):
    """Wants a kernel that this one is not."""

    requires = ">=0.1, <0.1"


class HasNoClass(Plugin):
    """Takes any table."""

    Config = dict


class ChangesWhatThereIsNot(Plugin):
    """Misspells what it changes."""

    mutates = frozenset({"requests"})


class ChangesNoSet(Plugin):
    """Gives no set at all."""

    mutates: ClassVar[Any] = None


class CannotBeMade(Plugin):
    """Fails, with a secret on its lips."""

    def __init__(self, config: Any) -> None:
        raise KeyError("a secret")


class Leaves(Plugin):
    """Would end the process."""

    def __init__(self, config: Any) -> None:
        raise SystemExit(3)


class CountsLoads(Installed):
    """Records which plugins are loaded."""

    loaded: ClassVar[list[str]] = []

    def load(self, name: str) -> type[Plugin]:
        self.loaded.append(name)
        return super().load(name)


def refusals(toml: str, *kinds: type[Plugin]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Gateway(parse(toml), Installed({}, {kind.__name__: kind for kind in kinds}))
    return caught.value.problems


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (FailsOpenByAccident, 'has on_error = \'ignore\'; it must be "refuse" or "skip"'),
        (HasNoTime, "has deadline_ms = 0; it must be a whole number above 0"),
        (NeedsWhatNobodyCanRead, "has requires = '~=0.1'; write it like \">=0.1,<0.2\""),
        (NeedsAnother, "needs jackfield-kernel >=0.1, <0.1, and this is "),
        (HasNoClass, "has a Config that is no attrs class; mark it @frozen"),
        (
            ChangesWhatThereIsNot,
            "has mutates = frozenset({'requests'}); it is a set of \"request\"",
        ),
        (ChangesNoSet, 'has mutates = None; it is a set of "request"'),
    ],
)
def test_a_class_that_cannot_be_used_is_refused(kind: type[Plugin], what: str) -> None:
    (refusal,) = refusals(f"[plugins.{kind.__name__}]", kind)
    place = f"jackfield.toml:1:10: plugins.{kind.__name__}: "
    assert refusal.startswith(f"{place}{kind.__name__} {what}")


@pytest.mark.parametrize("kind", [CannotBeMade, Leaves])
def test_one_that_cannot_be_made_is_refused_without_its_own_words(kind: type[Plugin]) -> None:
    (refusal,) = refusals(f"[plugins.{kind.__name__}]", kind)
    assert refusal.startswith(f"jackfield.toml:1:10: plugins.{kind.__name__}: cannot be made: ")
    assert refusal.endswith(f"in {kind.__name__}.__init__")
    assert "a secret" not in refusal


def test_a_plugin_that_is_not_installed_is_distinguished_from_a_mistyped_one() -> None:
    assert refusals("[plugins.absent]", Store) == [
        "jackfield.toml:1:10: plugins.absent: unknown plugin; known: Store;"
        " install the package that has it into this environment"
    ]
    assert refusals("[plugins.stor]", Store) == [
        'jackfield.toml:1:10: plugins.stor: unknown plugin; did you mean "Store"?'
    ]


def test_an_entry_point_that_names_no_class_is_refused_with_its_name() -> None:
    entry = EntryPoint("absent", "jackfield.plan:Absent", "jackfield.plugins")
    with pytest.raises(ConfigError) as caught:
        Gateway(parse("[plugins.absent]"), Installed({"absent": entry}, {}))
    assert caught.value.problems == [
        "jackfield.toml:1:10: plugins.absent: absent cannot be imported:"
        " AttributeError: module 'jackfield.plan' has no attribute 'Absent'"
    ]


def test_a_second_store_is_refused_where_it_stands() -> None:
    toml = '[plugins.one]\nuse = "Store"\n[plugins.two]\nuse = "Store"\n'
    assert refusals(toml, Store) == [
        "jackfield.toml:3:10: plugins.two: another plugin brings a store already; name one alone"
    ]


def test_what_many_tables_name_is_loaded_once() -> None:
    toml = "".join(f"[plugins.copy{i}]\nuse = 'Quiet'\n" for i in range(20))
    gateway = Gateway(parse(toml), CountsLoads({}, {"Quiet": Plugin}))
    assert len(gateway.loaded.members) == 20
    assert CountsLoads.loaded == ["Quiet"]


def test_too_many_wrong_keys_are_not_taken_for_a_plugin_that_cannot_be_made() -> None:
    table = "[plugins.quiet]\nuse = 'Quiet'\n" + "".join(f"key{i} = 1\n" for i in range(1001))
    *problems, end = refusals(table.replace("Quiet", "Plugin"), Plugin)
    assert len(problems) == 1000
    assert all("unknown key" in problem for problem in problems)
    assert end == "jackfield.toml: too many problems; fix these first"
