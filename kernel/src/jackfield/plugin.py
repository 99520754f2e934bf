"""The contract of a plugin: five hooks and a life cycle. This page is the reference."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

import pluggy
from attrs import frozen

from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.response import Chunk, Outcome, Response

if TYPE_CHECKING:
    from jackfield.setup import Setup

hookspec = pluggy.HookspecMarker("jackfield")
OnError = Literal["refuse", "skip"]
CallNext = Callable[[Target], Awaitable[Response]]
_H = TypeVar("_H", bound=Callable[..., Any])


def hookimpl(hook: _H) -> _H:
    """Mark a method of a plugin as the implementation of the hook of that name.

    It takes no options: the order of the tables in the TOML is the order of the hooks.
    """
    return pluggy.HookimplMarker("jackfield")(hook)


def dry_runs_only(hook: _H) -> _H:
    """Mark a hook that only reports what would be done, so that real requests skip it.

    It goes below `@hookimpl`.
    """
    hook.dry_runs_only = True  # type: ignore[attr-defined]
    return hook


@frozen
class NoConfig:
    """The configuration of a plugin that has none."""


class Plugin:
    """The base class of every plugin: override the hooks you need and mark each with `@hookimpl`.

    Hooks run in the order of the tables in the TOML, and on the way back in reverse. A hook that
    raises a `GatewayError` refuses the request with it. Any other exception, a missed deadline or a
    return value of the wrong type counts as a failure of the plugin, and `on_error` decides:
    "refuse" ends the request with an error, "skip" goes on as if the hook had returned None, also
    after a ProviderError or a StoreUnavailable. The TOML may set `on_error` and `deadline_ms` in
    the plugin's table.
    """

    Config: ClassVar[type] = NoConfig
    """An attrs class: the keys of the plugin's table. Unknown keys are refused."""

    on_error: ClassVar[OnError] = "refuse"
    """What a failure of this plugin means for the request."""

    deadline_ms: ClassVar[int] = 250
    """How long an async hook may take, except `call_provider`, which takes as long as its call."""

    mutates: ClassVar[frozenset[str]] = frozenset()
    """What it changes: "request", "response", "principal". Undeclared changes are failures."""

    authenticates: ClassVar[bool] = False
    """Whether its `pre_request` identifies callers; else only loopback is served."""

    brings_store: ClassVar[bool] = False
    """Whether it calls `setup.add_store` in `start`. Such a plugin starts before all others."""

    needs_store: ClassVar[bool] = False
    """Whether it uses `setup.store` or `setup.ledger`. If the TOML names no plugin that provides a
    store, `sqlite_store` is loaded with its defaults."""

    wants_usage: ClassVar[bool] = False
    """Whether it accounts for usage: providers that report the usage of a stream only when
    asked are asked."""

    secret_schemes: tuple[str, ...] = ()
    """The schemes of secrets that it adds in `start`. May be set in `__init__`, from its table."""

    requires: ClassVar[str] = ">=0.1,<0.2"
    """The kernel versions that it supports."""

    name: str = ""
    """The name of its table in the TOML; set before `__init__`."""

    def __init__(self, config: Any) -> None:
        """Keep the configuration. Do no I/O here: the configuration may only be checked.

        A ValueError refuses it. Its message is shown; if it begins with a key of the table, the
        error is located at that key.
        """
        self.config = config

    async def start(self, setup: "Setup") -> None:
        """Open resources and register what the plugin provides. Raising prevents the start."""

    async def stop(self) -> None:
        """Close what `start` opened. Always called if `start` began."""

    async def health(self) -> str | None:
        """None if well, else one line about the problem; shown by /ready."""
        return None

    @hookspec
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Identify, limit, inspect, change or answer a request.

        When: once, before routing, in the TOML's order. Async; may wait up to `deadline_ms`.
        Return a Response to answer at once, None to go on. Raise a GatewayError to refuse.
        """

    @hookspec
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Add, drop or reorder targets, each with a reason.

        When: once, after `pre_request`, in the TOML's order. Async; may wait up to `deadline_ms`.
        Return a Plan, or None to leave it as it is. Raise a GatewayError to refuse.
        """

    @hookspec
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Wrap one attempt at one target, or answer it.

        When: once an attempt (retry, fallback, hedge), an onion: the TOML's first is the outermost.
        Async; may wait as long as the attempt. Return `await call_next(target)` or a Response of
        its own. For a stream `call_next` returns with the first events. A ProviderError that comes
        out of it may be raised on: the attempt has failed, and the next target is tried if that can
        help.
        """
        return await call_next(target)

    @hookspec
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        """Rewrite, hold back, split or stop a stream.

        When: on every event, in reverse order of the TOML; sync, so it must not block. Return
        None to leave the chunk, or the chunks to send in its place: none, one or many. The last
        chunk has `final`: what was held back must be returned with it. Returning a chunk with
        `final` earlier ends the stream there. Raise a GatewayError to break the stream off.
        """

    @hookspec
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        """Account for it, log it, or replace the response.

        When: exactly once, in reverse order, for each plugin whose `pre_request` was reached,
        whatever happened: answer, refusal, error, cut, client gone, shutdown. Async; may wait up
        to `deadline_ms`; the caller's leaving does not cancel it. Return a Response in place of
        the outcome's, or None. A stream has been sent by now and cannot be replaced.
        """


HOOKS: Final = ("pre_request", "route", "call_provider", "on_stream_chunk", "post_response")
"""The hooks in the order of the path."""
