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
from jackfield.timeouts import LARGEST_ANSWER, Timeouts


@frozen
class Tls:
    """The certificate that the listeners present."""

    cert: Path = option(doc="The certificate chain, in PEM.")
    key: Path = option(doc="The private key, in PEM, without a pass phrase.")
    client_ca: Path | None = option(
        None, "PEM file of authorities; clients must present a certificate of one of them."
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
        "The address of the admin endpoints, which need the admin permission. `auto` is a socket"
        " named after the port, in `$XDG_RUNTIME_DIR` or else in `/tmp/jackfield-UID`;"
        " an empty string disables it.",
    )
    workers: int = option(1, "The number of worker processes.", validator=[ge(1), le(1024)])
    socket_mode: Literal["600", "660", "666"] = option(
        "600", "Who may connect to Unix sockets in `bind`: their owner, their group too, or all."
    )
    socket_group: str = option("", "The group of these sockets; the gateway must be in it.")
    behind_proxy: bool = option(False, "Whether a proxy in front terminates TLS.")
    tls: Tls | None = option(None, "Serve TLS on all listeners.")
    drain_seconds: float = option(
        30.0, "How long running requests may take to end at shutdown, in seconds.", validator=ge(0)
    )
    max_body: int = option(10_485_760, "The largest request body, in bytes.", validator=ge(1))
    max_connections: int = option(
        10_000, "The most connections at once; more are refused with status 503.", validator=ge(1)
    )
    requests_in_flight: int = option(
        2_000, "The most requests at once; more are refused with status 503.", validator=ge(1)
    )
    state_dir: str = option(
        "jackfield-state",
        "For what survives a restart: the journal, and the store if it is a file. The folder is"
        " created by the first plugin that needs it; one that others can write to is refused.",
    )
    front_doors: tuple[str, ...] = option(
        ("openai",), "Plugins whose endpoints are offered to clients even if no provider uses them."
    )
    log: Literal["text", "json"] = option("text", "The format of the log.")
    log_level: Literal["debug", "info", "warning", "error"] = option(
        "info", "The minimum level of logged messages."
    )

    @bind.validator
    def _check_bind(self, attribute: object, value: object) -> None:
        if value == ():
            raise ValueError("must have at least one address")
        given = [str(each) for each in (*self.listeners, self.admin)]
        if twice := {each for each in given if given.count(each) > 1 and each[-2:] != ":0"}:
            raise ValueError(f"{', '.join(sorted(twice))} is given twice, here or as admin")

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
    """Settings of all providers, unless a provider's own table overrides them."""

    timeouts: Timeouts = option(Timeouts(), "How long a provider may take, in seconds.")
    max_response: int = option(LARGEST_ANSWER, "The largest response, in bytes.", validator=ge(1))
    retries: int = option(2, "How often a failed target is tried again.", validator=[ge(0), le(10)])
    unreported: Literal["bound", "estimate"] = option(
        "bound",
        "What budgets and records charge for a call if its provider did not report its usage:"
        " `bound`, the maximum that it can be, or `estimate`, one token per event of the"
        " stream and per four bytes of the request.",
    )
    fetch_urls: bool = option(
        False,
        "Whether the gateway fetches images and files that a request refers to by URL, for"
        " providers that only take bytes. It only connects to public addresses, and redirects"
        " are not followed.",
    )
    fetch_hosts: tuple[str, ...] = option(
        (), 'The hosts it may fetch from, such as `"*.example.com"`; by default all.'
    )
    fetch_max: int = option(
        20_971_520, "The maximum to fetch for one request, in bytes.", validator=ge(1)
    )
    fetch_seconds: float = option(
        10.0, "How long fetching one of them may take, in seconds.", validator=gt(0)
    )


@frozen
class ProviderTable:
    """The kernel's part of `[providers.NAME]`; the other keys are the plugin's."""

    use: str = option("", "The plugin; by default the one with the table's name.")


@frozen
class PluginTable(ProviderTable):
    """The kernel's part of `[plugins.NAME]`; the other keys are the plugin's."""

    on_error: Literal["refuse", "skip"] | None = option(
        None,
        "What happens to a request when the plugin fails: it is refused, or the plugin is skipped."
        " By default as the plugin declares.",
    )
    deadline_ms: int | None = option(
        None,
        "How long one hook call may take, in milliseconds. By default as the plugin declares.",
        validator=attrs.validators.optional(ge(1)),
    )
    accept_risk: bool = option(
        False, 'Allows `on_error = "skip"` for a plugin that protects something.'
    )


@frozen
class WeightedTarget:
    """One of several targets that share the requests."""

    model: str = option(doc="`provider/model`, or another alias.")
    weight: float = option(1.0, "Its share, relative to the others'.", validator=ge(0))
    region: str | None = option(None, "Its region, for plugins that route by region.")


@frozen
class ModelTable:
    """`[models.NAME]`: an alias that clients may use as a model's name."""

    targets: tuple[str | WeightedTarget, ...] = option(
        doc="The targets: `provider/model` or another alias, each with an optional weight.",
        validator=min_len(1),
    )
    fallbacks: tuple[str, ...] = option((), "Further targets, tried in order when those fail.")
    on_loss: Literal["refuse", "warn", "route"] = option(
        "warn",
        "What to do if a target cannot express all of a request: refuse the request,"
        " send the rest with a warning, or route to a target that can.",
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
