"""The hooks of all plugins, checked and compiled once into tuples; pluggy is not used later."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pluggy
from attrs import evolve, frozen

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


@frozen(eq=False)
class Member:
    """A plugin at its position, with the policy from the TOML or from its class."""

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
    wants_usage: bool = False

    def without_dry_runs(self) -> "HookChain":
        """The chain without the hooks that only dry runs call."""
        spared: dict[str, Any] = {
            name: tuple(h for h in getattr(self, name) if not hasattr(h.call, "dry_runs_only"))
            for name in HOOKS
        }
        return evolve(self, **spared)


def compile_hooks(members: Iterable[Member]) -> HookChain:
    """Check every implementation and freeze the chain.

    Raises ConfigError with a line for each method that is not a hook, has other parameters, is sync
    where it must be async or the reverse, or lacks its `@hookimpl`.
    """
    members = tuple(members)
    if problems := [problem for member in members for problem in _problems(member.plugin)]:
        raise ConfigError(problems)
    manager = pluggy.PluginManager("jackfield")
    manager.add_hookspecs(Plugin)
    for member in members:
        manager.register(member.plugin, member.plugin.name)
    manager.check_pending()
    implemented = {
        name: {impl.plugin: impl.function for impl in getattr(manager.hook, name).get_hookimpls()}
        for name in HOOKS
    }

    def chain(name: str) -> tuple[Hook, ...]:
        hooks = tuple(
            Hook(m.plugin, name, at, function, m.on_error, m.deadline_ms / 1000)
            for at, m in enumerate(members)
            if (function := implemented[name].get(m.plugin)) is not None
        )
        return hooks[::-1] if name in ("on_stream_chunk", "post_response") else hooks

    hooks: dict[str, Any] = {name: chain(name) for name in HOOKS}
    plugins = tuple(member.plugin for member in members)
    return HookChain(**hooks, plugins=plugins, wants_usage=any(p.wants_usage for p in plugins))


def hooks_of(plugin_class: type[Plugin]) -> list[str]:
    """The hooks that a plugin class implements, in the order in which they are called."""
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
        if method is (spec := getattr(Plugin, name)):
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
