"""Reading the configuration file: its syntax, the kernel's tables, and what is wrong with them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from jackfield._config.document import Document, Problems, load, parse
from jackfield._config.options import OptionDoc, describe, option
from jackfield._config.references import check_references
from jackfield._config.toml import Path
from jackfield._config.toml_text import toml_key
from jackfield._config.toml_types import SHAPES, FromText
from jackfield._config.wording import article, unknown
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
    """Read the kernel's tables; what is wrong goes to `document.problems`.

    A table that is wrong is replaced by its defaults, and a model that is wrong is left out, so
    that the search for problems can go on. `given` are providers that need no table.
    """
    _check_sections(document)
    providers = dict(_named_tables(document, "providers", ProviderTable))
    plugins = dict(_named_tables(document, "plugins", PluginTable))
    server = _section(document, "server", Server)
    for key, path in attrs.asdict(server.tls).items() if server.tls else ():
        if not path.is_file():
            document.problems.add(("server", "tls", key), f"there is no file {path}")
    raw_models = _tables(document, "models")
    models = {
        name: model
        for name in raw_models
        if (model := document.structure(ModelTable, ("models", name)))
    }
    capabilities = {
        pattern: stated
        for pattern in _tables(document, "capabilities")
        if (stated := document.structure(Capabilities, ("capabilities", pattern)))
    }
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
        models=models,
        capabilities=capabilities,
        prices=prices,
        plugins=plugins,
    )


def default_settings() -> Settings:
    """Give the settings of an empty file."""
    return Settings()


@attrs.frozen
class WellKnownKey:
    """The environment variable in which a provider's own documentation puts its key.

    `use` is the plugin of the provider.
    """

    variable: str
    use: str

    def is_in(self, environ: Mapping[str, str]) -> bool:
        """Whether there is such a key."""
        return bool(environ.get(self.variable, "").strip())


def zero_configuration(
    keys: Mapping[str, WellKnownKey], environ: Mapping[str, str], front_doors: Iterable[str] = ()
) -> Document:
    """Make the document for a start without a file: a provider for each key that is there.

    `keys` has what is well known by the names of the providers' tables; the `front_doors` are open
    to clients whichever providers there are.
    """
    doors = ", ".join(f'"{name}"' for name in front_doors)
    lines = ["[server]", f"front_doors = [{doors}]"] if doors else []
    lines.append("[providers.demo]")
    for provider, key in keys.items():
        if key.is_in(environ):
            lines += [f"[providers.{toml_key(provider)}]", f'keys = ["env:{key.variable}"]']
            lines += [f'use = "{key.use}"'] if key.use != provider else []
    return parse("\n".join(lines), "the default configuration")


def report_unknown_plugin(
    document: Document, path: Path, name: str, installed: Iterable[str]
) -> None:
    """Note that no plugin `name` is installed, which the table or the text at `path` asks for."""
    use = (*path, "use")
    is_table = isinstance(document.get(path), dict)
    if document.get(use) is not None:
        path, is_table = use, False
    document.problems.add(path, unknown("plugin", name, installed), on_key=is_table)


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
    """Read the price of a model, or its prices one after the other in an array of tables."""
    path = ("prices", pattern)
    periods = document.get(path)
    if not isinstance(periods, list):
        return document.structure(Price, path)
    read = (document.structure(Price, (*path, at)) for at in range(len(periods)))
    return tuple(price for price in read if price is not None)


def _tables(document: Document, section: str) -> dict[str, Any]:
    tables = document.tree.get(section)
    return tables if isinstance(tables, dict) else {}


def _named_tables(
    document: Document, section: str, cls: type[NamedTable]
) -> Iterator[tuple[str, NamedTable]]:
    """Read the kernel's keys of each table in a section, and pass over the plugin's."""
    own = attrs.fields_dict(cls)
    for name, keys in _tables(document, section).items():
        others = [key for key in keys if key not in own] if isinstance(keys, dict) else []
        table = document.structure(cls, (section, name), reserved=others) or cls()
        yield name, attrs.evolve(table, use=table.use or name)
