"""Reads the tables of a section, each by itself, so that one that is wrong spoils no other."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from jackfield._config.document import Document
from jackfield._config.synonyms import synonym
from jackfield._config.toml_types import SHAPES
from jackfield._config.wording import article, unknown

T = TypeVar("T")


def check(document: Document, names: Collection[str], kinds: Mapping[str, type[Any]]) -> None:
    """Report top-level keys that are no section. `kinds` are the classes of single tables."""
    for name, value in document.tree.items():
        if name not in names:
            message = next(_placements(name, kinds), "") or unknown("key", name, names)
            document.problems.add((name,), message, on_key=True)
        elif not isinstance(value, dict):
            message = f"expected a table, found {article(SHAPES[type(value)])}"
            document.problems.add((name,), message)


def _placements(name: str, kinds: Mapping[str, type[Any]]) -> Iterator[str]:
    """Where a top-level key belongs, as messages: one for each section that has it."""
    for section, cls in kinds.items():
        keys = attrs.fields_dict(cls)
        if name in keys:
            yield f'unknown key; did you mean "{section}.{name}"?'
        elif spelling := synonym(name, keys):
            yield f"unknown key; write {spelling} in [{section}]"


def single_table(document: Document, section: str, cls: type[T]) -> T:
    """A section that is one table, or its defaults if it is absent or invalid."""
    is_table = isinstance(document.tree.get(section, {}), dict)
    return (document.structure(cls, (section,)) if is_table else None) or cls()


def raw_tables(document: Document, section: str) -> dict[str, Any]:
    """The raw tables in a section."""
    found = document.tree.get(section)
    return found if isinstance(found, dict) else {}


def valid_tables(document: Document, section: str, cls: type[T]) -> dict[str, T]:
    """Each valid table in a section."""
    made = {key: document.structure(cls, (section, key)) for key in raw_tables(document, section)}
    return {name: one for name, one in made.items() if one is not None}


def grouped_tables(document: Document, section: str, cls: type[T]) -> dict[str, T | tuple[T, ...]]:
    """Each table in a section, or the valid ones of each array of tables."""
    made: dict[str, T | tuple[T, ...] | None] = {}
    for name, found in raw_tables(document, section).items():
        if isinstance(found, list):
            parts = (document.structure(cls, (section, name, at)) for at in range(len(found)))
            made[name] = tuple(part for part in parts if part is not None)
        else:
            made[name] = document.structure(cls, (section, name))
    return {name: one for name, one in made.items() if one}


def kernel_keys(document: Document, section: str, cls: type[T]) -> dict[str, T]:
    """The kernel's keys of each table in a section; the others are its plugin's."""
    found: dict[str, Any] = {}
    own = [field.name for field in attrs.fields(cls)]  # type: ignore[arg-type] # an attrs class
    for name, keys in raw_tables(document, section).items():
        others = [key for key in keys if key not in own] if isinstance(keys, dict) else []
        table: Any = document.structure(cls, (section, name), reserved=others) or cls()
        found[name] = attrs.evolve(table, use=table.use or name)
    return found
