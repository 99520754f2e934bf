"""The kernel's own tables of the configuration file."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs
from attrs import frozen
from attrs.validators import ge, gt, le, min_len

from jackfield._config.options import option
from jackfield.address import Address
from jackfield.capabilities import Capabilities
from jackfield.prices import Price
from jackfield.timeouts import Timeouts


@frozen
class Tls:
    """The certificate that the listeners present."""

    cert: Path = option(doc="The certificate chain, in PEM.")
    key: Path = option(doc="The private key, in PEM, without a pass phrase.")
    client_ca: Path | None = option(
        None, "Authorities, in PEM: who shows no certificate of theirs is not served."
    )


@frozen
class Server:
    """How the gateway listens, and how much load it accepts."""

    bind: Address | tuple[Address, ...] = option(
        Address("127.0.0.1", 4747),
        "Where clients connect; an array for several. Any address that other machines can reach"
        " needs a plugin that authenticates, and TLS or `behind_proxy`.",
    )
    admin: Address | Literal["auto", ""] = option(
        "auto",
        "Where the operations endpoints listen that need the admin permission. `auto` is a socket"
        " named after the port in `$XDG_RUNTIME_DIR`, or in `/tmp/jackfield-UID` without that;"
        " an empty string is nothing.",
    )
    workers: int = option(1, "Worker processes.", validator=[ge(1), le(1024)])
    socket_mode: Literal["600", "660", "666"] = option(
        "600", "Who may connect to Unix sockets in `bind`: their owner, their group too, or all."
    )
    socket_group: str = option("", "The group of these sockets; the gateway must be in it.")
    behind_proxy: bool = option(False, "Whether a proxy in front ends TLS.")
    tls: Tls | None = option(None, "Makes the listeners speak TLS.")
    drain_seconds: float = option(
        30.0, "How long requests in flight may take to end at shutdown.", validator=ge(0)
    )
    max_body: int = option(10_485_760, "The largest request body, in bytes.", validator=ge(1))
    max_connections: int = option(
        10_000, "Connections of clients at once; more are refused with status 503.", validator=ge(1)
    )
    requests_in_flight: int = option(
        2_000, "Requests at once; more are refused with status 503.", validator=ge(1)
    )
    state_dir: str = option(
        "jackfield-state",
        "The folder for what must survive a restart: the journal, and the store if it is a file."
        " It is made, for this user alone, by the first plugin that needs it.",
    )
    front_doors: tuple[str, ...] = option(
        ("openai",),
        "Plugins whose endpoints are offered to clients even if no provider uses them.",
    )
    log: Literal["text", "json"] = option("text", "The format of the log.")
    log_level: Literal["debug", "info", "warning", "error"] = option(
        "info", "The least severe messages that are logged."
    )

    @bind.validator
    def _check_bind(self, attribute: object, value: object) -> None:
        if value == ():
            raise ValueError("must have at least one address")

    @property
    def listeners(self) -> tuple[Address, ...]:
        """The addresses in `bind`."""
        return self.bind if isinstance(self.bind, tuple) else (self.bind,)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        return all(address.is_loopback for address in self.listeners)

    def admin_listener(self, environ: Mapping[str, str] = os.environ) -> Address | None:
        """The admin listener's address, with "auto" resolved; None if there is none."""
        if isinstance(self.admin, Address):
            return self.admin
        private = f"{tempfile.gettempdir()}/jackfield-{os.getuid()}"
        directory = environ.get("XDG_RUNTIME_DIR") or private
        port = next((address.port for address in self.listeners if address.port), 0)
        if self.admin != "auto" or not port:
            return None
        return Address(path=f"{directory}/jackfield-{port}.sock")


@frozen
class Upstream:
    """Applies to every provider unless its own table says otherwise."""

    timeouts: Timeouts = option(Timeouts(), "How long a provider may take, in seconds.")
    max_response: int = option(31_457_280, "The largest response, in bytes.", validator=ge(1))
    retries: int = option(
        2, "Further attempts at a target after a failure.", validator=[ge(0), le(10)]
    )
    unreported: Literal["bound", "estimate"] = option(
        "bound",
        "What a call is charged, in budgets and in records, where its provider did not say what was"
        " used: `bound`, the most that it can be, or `estimate`: a token for each event of the"
        " stream and for four bytes of the request.",
    )
    fetch_urls: bool = option(
        False,
        "Whether the gateway fetches images and files that a request names by their address, for a"
        " provider that takes bytes alone. Only the open internet is connected to, and redirects"
        " are not followed.",
    )
    fetch_hosts: tuple[str, ...] = option(
        (), 'The hosts it may fetch from, such as `"*.example.com"`; all when empty.'
    )
    fetch_max: int = option(
        20_971_520, "The most that is fetched for one request, in bytes.", validator=ge(1)
    )
    fetch_seconds: float = option(
        10.0, "How long fetching one of them may take, in seconds.", validator=gt(0)
    )


@frozen
class ProviderTable:
    """The kernel's part of `[providers.NAME]`; the other keys are the plugin's."""

    use: str = option("", "The plugin; the name of the table where it is left out.")


@frozen
class PluginTable:
    """The kernel's part of `[plugins.NAME]`; the other keys are the plugin's."""

    use: str = option("", "The plugin; the name of the table where it is left out.")
    on_error: Literal["refuse", "skip"] | None = option(
        None,
        "What becomes of a request when the plugin fails: it is refused, or the plugin is skipped."
        " The plugin has a default.",
    )
    deadline_ms: int | None = option(
        None,
        "How long one call of a hook may take, in milliseconds. The plugin has a default.",
        validator=attrs.validators.optional(ge(1)),
    )
    accept_risk: bool = option(
        False, 'Allows `on_error = "skip"` for a plugin that protects something.'
    )


@frozen
class WeightedTarget:
    """One of several targets that share the requests."""

    model: str = option(doc="`provider/model`, or another alias.")
    weight: float = option(1.0, "Its share, in proportion to the others'.", validator=ge(0))
    region: str | None = option(None, "Where it runs, for plugins that route by region.")


@frozen
class ModelTable:
    """`[models.NAME]`: an alias that clients may use as a model's name."""

    targets: tuple[str | WeightedTarget, ...] = option(
        doc="Where requests go: `provider/model` or another alias, each with an optional weight.",
        validator=min_len(1),
    )
    fallbacks: tuple[str, ...] = option((), "Where they go, in order, when those fail.")
    on_loss: Literal["refuse", "warn", "route"] = option(
        "warn",
        "What to do when a target cannot express all of a request: refuse the request,"
        " send what can be sent with a warning, or route to a target that can.",
    )

    @property
    def weighted(self) -> tuple[WeightedTarget, ...]:
        """The targets, each with its weight."""
        return tuple(
            WeightedTarget(model=target) if isinstance(target, str) else target
            for target in self.targets
        )

    @targets.validator
    def _check_weights(self, attribute: object, value: object) -> None:
        if all(target.weight == 0 for target in self.weighted):
            raise ValueError("all weights are 0, so no target would be used")


@frozen
class Settings:
    """The kernel's tables. Providers, models and plugins are in the order of the file.

    `capabilities` has what the file says about models that match a pattern, `prices` what they
    cost; a model may have several prices, each for its own days.
    """

    server: Server = attrs.field(factory=Server)
    upstream: Upstream = attrs.field(factory=Upstream)
    providers: dict[str, ProviderTable] = attrs.field(factory=dict)
    models: dict[str, ModelTable] = attrs.field(factory=dict)
    capabilities: dict[str, Capabilities] = attrs.field(
        factory=dict, metadata={"doc": "What models can do, by patterns of their names."}
    )
    prices: dict[str, Price | tuple[Price, ...]] = attrs.field(
        factory=dict, metadata={"doc": "What models cost, by patterns of their names."}
    )
    plugins: dict[str, PluginTable] = attrs.field(factory=dict)


PROVIDER_KEYS = frozenset(attrs.fields_dict(ProviderTable))
"""Keys of `[providers.NAME]` that are the kernel's, whatever the plugin."""

PLUGIN_KEYS = frozenset(attrs.fields_dict(PluginTable))
"""Keys of `[plugins.NAME]` that are the kernel's, whatever the plugin."""
