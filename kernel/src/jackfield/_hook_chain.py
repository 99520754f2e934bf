"""The hooks of all plugins, checked and compiled once into tuples; pluggy is not called later."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pluggy
from attrs import evolve, field, frozen

from jackfield.errors import ConfigError
from jackfield.plugin import HOOKS, OnError, Plugin


@frozen(eq=False)
class Hook:
    """One plugin's implementation of one hook, with its failure policy.

    `position` is the plugin's place in the TOML; `deadline` is in seconds.
    """

    plugin: Plugin
    name: str
    position: int
    call: Callable[..., Any]
    on_error: OnError
    deadline: float
    is_timed: bool = field(init=False)
    dry_runs_only: bool = field(init=False)
    replaces_response: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "is_timed", self.name != "on_stream_chunk")
        object.__setattr__(self, "dry_runs_only", hasattr(self.call, "jackfield_dry_runs_only"))
        object.__setattr__(self, "replaces_response", self.name == "post_response")


@frozen(eq=False)
class Member:
    """A plugin in its place, with the policy that the TOML or its class gives it."""

    plugin: Plugin
    on_error: OnError
    deadline_ms: int


@frozen(eq=False)
class HookChain:
    """The hooks in the order in which the pipeline calls them."""

    pre_request: tuple[Hook, ...] = ()
    route: tuple[Hook, ...] = ()
    call_provider: tuple[Hook, ...] = ()
    on_stream_chunk: tuple[Hook, ...] = ()
    post_response: tuple[Hook, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    wants_usage: bool = field(init=False)

    @wants_usage.default
    def _wants_usage(self) -> bool:
        return any(plugin.wants_usage for plugin in self.plugins)

    def without_dry_runs(self) -> "HookChain":
        """The chain without the hooks that are for dry runs alone."""
        spared = {
            name: tuple(hook for hook in getattr(self, name) if not hook.dry_runs_only)
            for name in HOOKS
        }
        return evolve(self, **spared)


def compile_hooks(members: Iterable[Member]) -> HookChain:
    """Check every implementation and freeze the chain.

    Raises ConfigError with a line for each method that is no hook, has other parameters, is not
    async where it must be or async where it must not, or lacks its `@hookimpl`.
    """
    members = tuple(members)
    manager = pluggy.PluginManager("jackfield")
    manager.add_hookspecs(Plugin)
    problems: list[str] = []
    for member in members:
        found = [*_problems(member.plugin)]
        problems += found
        if not found:
            manager.register(member.plugin, member.plugin.name)
    if problems:
        raise ConfigError(problems)
    manager.check_pending()
    implemented = {
        name: {impl.plugin: impl.function for impl in getattr(manager.hook, name).get_hookimpls()}
        for name in HOOKS
    }

    def chain(name: str) -> tuple[Hook, ...]:
        return tuple(
            Hook(m.plugin, name, at, function, m.on_error, m.deadline_ms / 1000)
            for at, m in enumerate(members)
            if (function := implemented[name].get(m.plugin)) is not None
        )

    return HookChain(
        chain("pre_request"),
        chain("route"),
        chain("call_provider"),
        chain("on_stream_chunk")[::-1],
        chain("post_response")[::-1],
        tuple(m.plugin for m in members),
    )


def hooks_of(plugin_class: type[Plugin]) -> list[str]:
    """The hooks that a plugin class implements, in the order of the path."""
    return [name for name in HOOKS if hasattr(getattr(plugin_class, name), "jackfield_impl")]


def _problems(plugin: Plugin) -> Iterable[str]:
    kind = type(plugin)
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        marked = hasattr(method, "jackfield_impl")
        where = f"plugin {plugin.name!r}, {kind.__qualname__}.{name} ({_place(method)})"
        if name not in HOOKS:
            if marked:
                yield f"{where}: no hook has this name; the hooks are {', '.join(HOOKS)}"
            continue
        spec = getattr(Plugin, name)
        if method is spec:
            continue
        if not marked:
            yield f"{where}: overrides a hook; mark it with @hookimpl"
        elif inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(spec):
            colour = "async def" if inspect.iscoroutinefunction(spec) else "def, not async def"
            yield f"{where}: must be {colour}"
        elif _names(method) != _names(spec):
            wanted, found = ", ".join(_names(spec)), ", ".join(_names(method))
            yield f"{where}: must take ({wanted}), not ({found})"


def _names(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _place(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
