"""What a configuration contains, as plain facts that `check` and `plugins` display."""

from typing import Any

import attrs
from attrs import frozen

from jackfield._gateway import Gateway
from jackfield._hook_chain import hooks_of
from jackfield._loader import Installed, installed
from jackfield.catalogue import retiring
from jackfield.secrets import references


@frozen
class TableFacts:
    """What is known about a table of the configuration that names a plugin by `use`."""

    name: str
    use: str
    version: str

    @property
    def version_label(self) -> str:
        """The plugin's version, with its name if that differs from the table's."""
        return self.version if self.use == self.name else f"{self.use} {self.version}"


@frozen
class ProviderFacts(TableFacts):
    """One table under `[providers]`; `secrets` counts its keys and other credentials."""

    base_url: str
    secrets: int

    @property
    def secrets_label(self) -> str:
        """How many secrets it has."""
        return str(self.secrets or "none") if self.base_url else ""


@frozen
class ModelFacts:
    """One table under `[models]`."""

    name: str
    targets: tuple[str, ...]
    fallbacks: tuple[str, ...]
    on_loss: str


@frozen
class PluginFacts(TableFacts):
    """One table under `[plugins]`; `position` counts from 1."""

    position: int
    hooks: tuple[str, ...]
    on_error: str
    deadline_ms: int


@frozen
class Contents:
    """Everything a configuration contains, in the order of the file.

    `left_out` are plugins with `on_error = "skip"` that cannot be loaded. `unused` are installed
    plugins that the configuration does not name, with their versions. `retiring` has a line for
    each target of an alias that is, or soon will be, retired.
    """

    providers: tuple[ProviderFacts, ...]
    models: tuple[ModelFacts, ...]
    plugins: tuple[PluginFacts, ...]
    left_out: dict[str, str]
    unused: dict[str, str]
    retiring: list[str]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return attrs.asdict(self)


def contents_of(gateway: Gateway) -> Contents:
    """The facts about a gateway, which need not have been started."""
    found, settings = installed(), gateway.settings
    used = {table.use for table in settings.providers.values()}
    used |= {table.use for table in settings.plugins.values()}
    used |= {member.plugin.name for member in gateway.loaded.members}  # the default store
    return Contents(
        _providers(gateway, found),
        tuple(
            ModelFacts(name, tuple(w.model for w in model.weighted), model.fallbacks, model.on_loss)
            for name, model in settings.models.items()
        ),
        _plugins(gateway, found),
        gateway.loaded.degraded,
        {name: found.version_of(name) for name in found.names if name not in used},
        retiring(settings),
    )


def _providers(gateway: Gateway, found: Installed) -> tuple[ProviderFacts, ...]:
    facts = []
    for provider in gateway.loaded.providers:
        use = gateway.settings.providers[provider.name].use
        base_url = str(getattr(provider.config, "base_url", ""))
        secrets = len([*references(provider.config)])
        facts.append(ProviderFacts(provider.name, use, found.version_of(use), base_url, secrets))
    return tuple(facts)


def _plugins(gateway: Gateway, found: Installed) -> tuple[PluginFacts, ...]:
    facts = []
    for position, member in enumerate(gateway.loaded.members, 1):
        plugin = member.plugin
        table = gateway.settings.plugins.get(plugin.name)  # a default store has none
        use = table.use if table is not None else plugin.name
        common = (plugin.name, use, found.version_of(use), position)
        hooks = tuple(hooks_of(type(plugin)))
        facts.append(PluginFacts(*common, hooks, member.on_error, member.deadline_ms))
    return tuple(facts)
