"""Reads the configuration file: its syntax, the kernel's tables, and their problems."""

import os
from collections.abc import Collection, Iterator
from typing import Any, TypeVar

import attrs

from jackfield._config.document import Document, Problems, load, parse
from jackfield._config.options import OptionDoc, describe, option
from jackfield._config.references import check_references, report_unknown_plugin
from jackfield._config.toml_types import SHAPES, FromText
from jackfield._config.wording import article, unknown
from jackfield._config.zero import WellKnownKey, zero_configuration
from jackfield.capabilities import Capabilities
from jackfield.prices import Price
from jackfield.settings import (
    PLUGIN_KEYS,
    PROVIDER_KEYS,
    ModelTable,
    PluginTable,
    ProviderTable,
    Server,
    Settings,
    Tls,
    Upstream,
    WeightedTarget,
)

__all__ = [
    "PLUGIN_KEYS",
    "PROVIDER_KEYS",
    "Capabilities",
    "Document",
    "FromText",
    "ModelTable",
    "OptionDoc",
    "PluginTable",
    "Price",
    "Problems",
    "ProviderTable",
    "Server",
    "Settings",
    "Tls",
    "Upstream",
    "WeightedTarget",
    "WellKnownKey",
    "default_settings",
    "describe",
    "load",
    "option",
    "parse",
    "read_settings",
    "report_unknown_plugin",
    "zero_configuration",
]

_SLASH = (
    'the name of a provider has no "/" and is not empty,'
    ' for it stands before the model in "provider/model"'
)

T = TypeVar("T")
NamedTable = TypeVar("NamedTable", ProviderTable, PluginTable)


def read_settings(document: Document, *, given: Collection[str] = ()) -> Settings:
    """Read the kernel's tables; problems are added to `document.problems`.

    An invalid table is replaced by its defaults and an invalid model is left out, so that the
    search for problems can go on. `given` are providers that need no table.
    """
    _check_sections(document)
    providers = dict(_named_tables(document, "providers", ProviderTable))
    plugins = dict(_named_tables(document, "plugins", PluginTable))
    server = _section(document, "server", Server)
    for key, path in attrs.asdict(server.tls).items() if server.tls else ():
        if path and not os.path.isfile(path):
            document.problems.add(("server", "tls", key), f"there is no file {path}")
    raw_models = _tables(document, "models")
    prices = {
        pattern: periods
        for pattern in _tables(document, "prices")
        if (periods := _periods(document, pattern))
    }
    for name in providers:
        if "/" in name or not name:
            document.problems.add(("providers", name), _SLASH, on_key=True)
    check_references(raw_models, dict.fromkeys([*providers, *given]), document.problems)
    return Settings(
        server=server,
        upstream=_section(document, "upstream", Upstream),
        providers=providers,
        models=_made(document, "models", ModelTable),
        capabilities=_made(document, "capabilities", Capabilities),
        prices=prices,
        plugins=plugins,
    )


def default_settings() -> Settings:
    """The settings of an empty file."""
    return Settings()


def _check_sections(document: Document) -> None:
    sections = [field.name for field in attrs.fields(Settings)]
    for name, value in document.tree.items():
        if name not in sections:
            document.problems.add((name,), _unknown_section(name, sections), on_key=True)
        elif not isinstance(value, dict):
            message = f"expected a table, found {article(SHAPES[type(value)])}"
            document.problems.add((name,), message)


def _unknown_section(name: str, sections: list[str]) -> str:
    message = unknown("key", name, sections)
    for section, cls in (("server", Server), ("upstream", Upstream)):
        if name in attrs.fields_dict(cls):
            return f'unknown key; did you mean "{section}.{name}"?'
    return message


def _section(document: Document, name: str, cls: type[T]) -> T:
    is_table = isinstance(document.tree.get(name, {}), dict)
    return (document.structure(cls, (name,)) if is_table else None) or cls()


def _periods(document: Document, pattern: str) -> Price | tuple[Price, ...] | None:
    """Read a model's price, or its successive prices from an array of tables."""
    path = ("prices", pattern)
    periods = document.get(path)
    if not isinstance(periods, list):
        return document.structure(Price, path)
    read = (document.structure(Price, (*path, at)) for at in range(len(periods)))
    return tuple(price for price in read if price is not None)


def _made(document: Document, section: str, cls: type[T]) -> dict[str, T]:
    """Each valid table in a section."""
    made = {name: document.structure(cls, (section, name)) for name in _tables(document, section)}
    return {name: one for name, one in made.items() if one is not None}


def _tables(document: Document, section: str) -> dict[str, Any]:
    tables = document.tree.get(section)
    return tables if isinstance(tables, dict) else {}


def _named_tables(
    document: Document, section: str, cls: type[NamedTable]
) -> Iterator[tuple[str, NamedTable]]:
    """Read the kernel's keys of each table in a section, and ignore the plugin's."""
    own = attrs.fields_dict(cls)
    for name, keys in _tables(document, section).items():
        others = [key for key in keys if key not in own] if isinstance(keys, dict) else []
        table = document.structure(cls, (section, name), reserved=others) or cls()
        yield name, attrs.evolve(table, use=table.use or name)
