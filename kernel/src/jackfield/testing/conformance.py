"""The conformance kit for any installed plugin, without writing a test.

    pytest --pyargs jackfield.testing.conformance --jackfield-plugin NAME

checks it with its defaults; `--jackfield-config FILE` takes its table from a configuration.
"""

from typing import TYPE_CHECKING, Any

from jackfield.config import PLUGIN_KEYS, PROVIDER_KEYS, load

from .checking import laws_for, subject_of
from .law import Law, Subject

if TYPE_CHECKING:
    import pytest


def pytest_generate_tests(metafunc: "pytest.Metafunc") -> None:
    """One test for each law that applies to each of the named plugins."""
    config = metafunc.config
    file = config.getoption("jackfield_config")
    tables = load(file).tree if file else {}
    cases = [
        (law, subject)
        for name in config.getoption("jackfield_plugin")
        for subject in [_subject(name, tables)]
        for law in laws_for(subject)
    ]
    ids = [f"{subject.name}-{law.id}" for law, subject in cases]
    metafunc.parametrize(("law", "subject"), cases, ids=ids)


def test_law(law: Law, subject: Subject) -> None:
    """The plugin keeps the law."""
    __tracebackhide__ = True
    law.hold(subject)


def _subject(name: str, tables: dict[str, Any]) -> Subject:
    """The plugin with the first table that uses it."""
    for section in ("plugins", "providers"):
        for table, keys in tables.get(section, {}).items():
            if keys.get("use", table) == name:
                own = {k: v for k, v in keys.items() if k not in PLUGIN_KEYS | PROVIDER_KEYS}
                return subject_of(name, own)
    return subject_of(name)
