"""Turns a configuration into plugins: entry points, classes, strict configs, instances."""

import re
from collections.abc import Iterable, Mapping, Set
from functools import cache
from importlib.metadata import EntryPoint, version
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from attrs import define, field, fields_dict, frozen, has

from jackfield._entry_points import declared, read_again
from jackfield._hook_chain import Member, hooks_of
from jackfield._mistakes import fault_of, logger
from jackfield.config import (
    PLUGIN_KEYS,
    PROVIDER_KEYS,
    Document,
    PluginTable,
    Settings,
    WellKnownKey,
    report_unknown_plugin,
)
from jackfield.dialects import GROUP as DIALECTS
from jackfield.errors import ConfigError
from jackfield.plugin import Plugin
from jackfield.providers import Provider
from jackfield.secrets import SecretSources

GROUP = "jackfield.plugins"
KEYS_GROUP = "jackfield.well_known_keys"
KERNEL = "jackfield-kernel"
DEFAULT_STORE = "sqlite_store"

Section = Literal["providers", "plugins"]
_BOUND = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+)*)\s*")
_OPERATORS = {">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt}


@frozen
class Installed:
    """The installed plugins, listed without importing any of them.

    `given` are classes that need no entry point, for tests and for embedding.
    """

    entry_points: Mapping[str, EntryPoint]
    given: Mapping[str, type[Plugin]] = field(factory=dict)

    @property
    def names(self) -> list[str]:
        """The names that `use` accepts."""
        return sorted({*self.entry_points, *self.given})

    def load(self, name: str) -> type[Plugin]:
        """Import a plugin's class. Raises whatever the import raises."""
        if name in self.given:
            return self.given[name]
        point = self.entry_points[name]
        makers = {one.dist.name for one in declared(GROUP) if one.name == name and one.dist}
        if len(makers) > 1:
            raise ImportError(f"{' and '.join(sorted(makers))} both bring it; uninstall one")
        loaded: object = point.load()
        if isinstance(loaded, type) and issubclass(loaded, Plugin):
            return loaded
        raise TypeError(f"{point.value} is not a subclass of jackfield.Plugin")

    def usable(self, name: str) -> type[Plugin] | str:
        """A plugin's class, or the reason why it cannot be used."""
        try:
            kind = self.load(name)
        # SystemExit as well: a module that exits must not end the gateway silently.
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
            return f"cannot be imported: {_why(error, self.entry_points[name].module)}"
        return _declaration_problem(kind) or _version_problem(kind) or kind

    def version_of(self, name: str) -> str:
        """The version of the distribution that contains a plugin."""
        point = self.entry_points.get(name)
        return point.dist.version if point is not None and point.dist is not None else ""


def installed(given: Mapping[str, type[Plugin]] | None = None) -> Installed:
    """The plugins installed in this environment."""
    read_again()
    points = {point.name: point for point in declared(GROUP)}
    return Installed(points, given or {})


def well_known_keys() -> dict[str, WellKnownKey]:
    """The well-known environment variables for providers' keys, by table name.

    An entry point names the variable for its plugin's own API or, for a plugin with many presets, a
    function that returns a mapping from tables to variables. One that fails is logged and left out.
    """
    known: dict[str, WellKnownKey] = {}
    for point in declared(KEYS_GROUP):
        try:
            named = point.load()() if ":" in point.value else {point.name: point.value}
            known |= {table: WellKnownKey(key, point.name) for table, key in named.items()}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
            why = _why(error, point.module)
            logger.warning("plugin %s: its well-known keys cannot be read: %s", point.name, why)
    return known


def all_front_doors() -> list[str]:
    """The plugins whose distributions declare dialects, and with them endpoints."""
    lenders = {point.dist.name for point in declared(DIALECTS) if point.dist}
    return sorted(one.name for one in declared(GROUP) if one.dist and one.dist.name in lenders)


@define
class Loaded:
    """Everything that the configuration asks for, created but not started."""

    members: list[Member] = field(factory=list)
    providers: list[Provider] = field(factory=list)
    front_doors: list[type[Provider]] = field(factory=list)
    degraded: dict[str, str] = field(factory=dict)

    @property
    def plugins(self) -> list[Plugin]:
        """Everything with a life cycle, in starting order: a store first."""
        plugins = [member.plugin for member in self.members]
        return [*sorted(plugins, key=lambda plugin: not plugin.brings_store), *self.providers]

    @property
    def lacks_store(self) -> bool:
        """Whether a plugin needs a store and none provides one."""
        needed = any(plugin.needs_store for plugin in self.plugins)
        return needed and not any(plugin.brings_store for plugin in self.plugins)


class Loader:
    """Loads what one document names. Problems are added to the document's."""

    def __init__(
        self, document: Document, settings: Settings, found: Installed, sources: SecretSources
    ) -> None:
        self._document = document
        self._settings = settings
        self._found = found
        self._sources = sources
        self._loaded = Loaded()
        self._imported = cache(found.usable)  # several tables may name it

    def load(self) -> Loaded:
        """Create every plugin and provider, in the order of the file."""
        for name, plugin_table in self._settings.plugins.items():
            self._add_plugin(name, plugin_table)
        for name, provider_table in self._settings.providers.items():
            self._add_provider(name, provider_table.use)
        if self._loaded.lacks_store:
            self._add_default_store()
        for plugin in [one for one in self._loaded.plugins if one.brings_store][1:]:
            message = "another plugin brings a store already; name one alone"
            self._refuse(("plugins", plugin.name), message)
        self._add_front_doors()
        self._check_exposure()
        return self._loaded

    def _add_plugin(self, name: str, table: PluginTable) -> None:
        kind = self._class("plugins", name, table.use, optional=table.on_error == "skip")
        if kind is None:
            return
        if issubclass(kind, Provider):
            message = f"{table.use} is a provider; its table is [providers.{name}]"
            self._refuse(("plugins", name), message)
            return
        if table.on_error == "skip" and kind.on_error == "refuse" and not table.accept_risk:
            message = (
                f"{table.use} refuses requests when it fails; to let them pass unprotected, "
                "set accept_risk = true as well"
            )
            self._document.problems.add(("plugins", name, "on_error"), message)
        plugin = self._instance(kind, ("plugins", name), PLUGIN_KEYS)
        if plugin is not None:
            self._sources.expected.update(plugin.secret_schemes)
            on_error = table.on_error or kind.on_error
            deadline_ms = table.deadline_ms or kind.deadline_ms
            self._loaded.members.append(Member(plugin, on_error, deadline_ms))

    def _add_default_store(self) -> None:
        if DEFAULT_STORE in self._found.names:
            self._add_plugin(DEFAULT_STORE, PluginTable(use=DEFAULT_STORE))
            return
        needy = next(p.name for p in self._loaded.plugins if p.needs_store)
        message = (
            f"{needy} keeps state, and no plugin brings a store; pip install"
            " jackfield-sqlite-store, or name another one, as in [plugins.redis_store]"
        )
        self._refuse(("plugins", needy), message)

    def _add_provider(self, name: str, use: str) -> None:
        kind = self._class("providers", name, use, optional=False)
        if kind is None:
            return
        path = ("providers", name)
        if not issubclass(kind, Provider):
            self._refuse(path, f"{use} is no provider; its table is [plugins.{name}]")
        elif hooks := ", ".join(hooks_of(kind)):
            self._refuse(path, f"the provider {use} implements {hooks}; hooks belong to plugins")
        elif isinstance(provider := self._instance(kind, path, PROVIDER_KEYS), Provider):
            self._loaded.providers.append(provider)
            self._offer(kind)

    def _add_front_doors(self) -> None:
        named = self._document.get(("server", "front_doors")) is not None
        for at, use in enumerate(self._settings.server.front_doors):
            path = ("server", "front_doors", at)
            if use not in self._found.names:
                if named:
                    report_unknown_plugin(self._document, path, use, self._found.names)
                continue
            kind = self._class("providers", use, use, optional=not named)
            if kind is not None and issubclass(kind, Provider):
                self._offer(kind)
            elif kind is not None:
                self._document.problems.add(path, f"{use} is not a provider: it has no endpoints")

    def _offer(self, kind: type[Provider]) -> None:
        if kind not in self._loaded.front_doors:
            self._loaded.front_doors.append(kind)

    def _class(
        self, section: Section, name: str, use: str, *, optional: bool
    ) -> type[Plugin] | None:
        if use not in self._found.names:
            report_unknown_plugin(self._document, (section, name), use, self._found.names)
            return None
        kind = self._imported(use)
        if not isinstance(kind, str):
            return kind
        if optional:
            self._loaded.degraded[name] = kind
        else:
            self._refuse((section, name), f"{use} {kind}")
        return None

    def _instance(
        self, kind: type[Plugin], path: tuple[str, str], reserved: Iterable[str]
    ) -> Plugin | None:
        general = {"timeouts": self._settings.upstream.timeouts}
        try:
            inherited = {key: general[key] for key in general if key in fields_dict(kind.Config)}
            config: Any = self._document.structure(
                kind.Config, path, reserved=reserved, defaults=inherited, sources=self._sources
            )
            if config is None:
                return None
            # The name is set first: a plugin may use it to check its configuration.
            plugin = kind.__new__(kind)
            plugin.name = path[1]
            plugin.__init__(config)  # type: ignore[misc]
            self._document.check_secrets(plugin.config, path, self._sources)
            return plugin
        except (ValueError, TypeError) as error:
            self._document.blame(path, str(error))
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
            self._refuse(path, f"cannot be made: {fault_of(error, kind.__module__)}")
        return None

    def _refuse(self, table: tuple[str, str], message: str) -> None:
        self._document.problems.add(table, message, on_key=True)

    def _check_exposure(self) -> None:
        """Report listening to other machines without authentication, or with keys in clear text."""
        server = self._settings.server
        if (admin := server.admin_listener()) is not None and not admin.is_loopback:
            self._document.problems.add(
                ("server", "admin"),
                "other machines can reach this address, and the operations endpoints ask nobody"
                ' who they are; use a Unix socket, as in "unix:/run/jackfield.sock"',
            )
        if server.is_loopback:
            return
        path = ("server", "bind")
        if not any(member.plugin.authenticates for member in self._loaded.members):
            self._document.problems.add(
                path, "other machines can reach this address, and no plugin authenticates them"
            )
        if server.tls is None and not server.behind_proxy:
            self._document.problems.add(
                path, "keys would cross the network in clear text; set tls or behind_proxy = true"
            )


def _why(error: BaseException, module: str) -> str:
    """What an import raised; other messages may contain values from the environment."""
    if isinstance(error, AttributeError | ImportError | SyntaxError | TypeError):
        return f"{type(error).__name__}: {error}"
    return fault_of(error, module)


def _declaration_problem(kind: type[Plugin]) -> str:
    if kind.on_error not in ("refuse", "skip"):
        return f'has on_error = {kind.on_error!r}; it must be "refuse" or "skip"'
    if type(kind.deadline_ms) is not int or kind.deadline_ms < 1:
        return f"has deadline_ms = {kind.deadline_ms!r}; it must be a whole number above 0"
    declared: Any = kind.mutates
    if not isinstance(declared, Set) or declared - {"request", "response", "principal"}:
        return f'has mutates = {kind.mutates!r}; it is a set of "request", "response", "principal"'
    return "" if has(kind.Config) else "has a Config that is no attrs class; mark it @frozen"


def _version_problem(kind: type[Plugin]) -> str:
    kernel = version(KERNEL)
    for text in str(kind.requires).split(","):
        if (bound := _BOUND.fullmatch(text)) is None:
            return f'has requires = {kind.requires!r}; write it like ">=0.1,<0.2"'
        if not _OPERATORS[bound[1]](_numbers(kernel), _numbers(bound[2])):
            return f"needs jackfield-kernel {kind.requires}, and this is {kernel}"
    return ""


def _numbers(text: str) -> tuple[int, ...]:
    return (*map(int, re.findall(r"\d+", text.partition("+")[0])), 0, 0, 0)[:3]
