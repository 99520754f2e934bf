"""Reads the configuration file: its syntax, the kernel's tables, and their problems."""

import os
from collections.abc import Collection

import attrs

from jackfield._config import sections
from jackfield._config.document import Document, Problems, load, parse
from jackfield._config.options import OptionDoc, describe, option
from jackfield._config.references import check_references, report_unknown_plugin
from jackfield._config.toml_types import FromText
from jackfield._config.zero_configuration import WellKnownKey, zero_configuration
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
    "describe",
    "load",
    "option",
    "parse",
    "read_settings",
    "report_unknown_plugin",
    "zero_configuration",
]

_SLASH = (
    'the name of a provider is printable, has no "/" and is not empty,'
    ' for it stands before the model in "provider/model"'
)


def read_settings(document: Document, *, given: Collection[str] = ()) -> Settings:
    """Read the kernel's tables; problems are added to `document.problems`.

    An invalid table is replaced by its defaults and an invalid model is left out, so that the
    search for problems can go on. `given` are providers that need no table.
    """
    sections.check(document, attrs.fields_dict(Settings), {"server": Server, "upstream": Upstream})
    providers = sections.kernel_keys(document, "providers", ProviderTable)
    server = sections.single_table(document, "server", Server)
    for key, path in attrs.asdict(server.tls).items() if server.tls else ():
        if path and not os.path.isfile(path):
            document.problems.add(("server", "tls", key), f"there is no file {path}")
    for name in providers:
        if "/" in name or not name or not name.isprintable():
            document.problems.add(("providers", name), _SLASH, on_key=True)
    aliases = sections.raw_tables(document, "models")
    check_references(aliases, dict.fromkeys([*providers, *given]), document.problems)
    return Settings(
        server=server,
        upstream=sections.single_table(document, "upstream", Upstream),
        providers=providers,
        models=sections.valid_tables(document, "models", ModelTable),
        capabilities=sections.valid_tables(document, "capabilities", Capabilities),
        prices=sections.grouped_tables(document, "prices", Price),
        plugins=sections.kernel_keys(document, "plugins", PluginTable),
    )
