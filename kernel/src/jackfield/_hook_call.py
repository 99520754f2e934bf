"""Calls one hook: timed, under its deadline, and by its plugin's failure policy."""

import asyncio
import logging
from collections.abc import Coroutine, Generator
from functools import partial
from time import perf_counter
from types import coroutine
from typing import Any

from attrs import define, field

from jackfield._hook_chain import Hook
from jackfield.errors import GatewayError, PluginFailure, UndeclaredChange
from jackfield.exchange import Exchange

logger = logging.getLogger("jackfield.plugins")


@define
class Failures:
    """How often plugins failed, and what was made of it: (plugin, hook, policy) → count."""

    counts: dict[tuple[str, str, str], int] = field(factory=dict)

    def add(self, hook: Hook, exchange: Exchange, reason: str, error: BaseException | None) -> None:
        """Count and log one failure, without the exception's own words: they may hold a secret."""
        name = hook.plugin.name
        key = (name, hook.name, hook.on_error)
        self.counts[key] = self.counts.get(key, 0) + 1
        exchange.failures.append(f"{name}.{hook.name}: {reason} → {hook.on_error}")
        logger.warning(
            "plugin %s failed in %s: %s%s; policy %s; request %s",
            name,
            hook.name,
            reason,
            _place_of(error),
            hook.on_error,
            exchange.id,
        )


@define(eq=False)
class Waiting:
    """A hook that was started by hand and waits for something; `await finish()` goes on."""

    _caller: "HookCaller"
    _hook: Hook
    _exchange: Exchange
    _expected: type
    _running: Coroutine[Any, Any, Any]
    _yielded: Any

    async def finish(self) -> Any:
        """The hook's result, within its deadline."""
        hook, exchange, caller = self._hook, self._exchange, self._caller
        began = perf_counter()
        exchange._acting = hook.plugin
        scope = asyncio.timeout(hook.deadline)
        try:
            async with scope:
                result = await go_on(self._running, self._yielded)
            return caller.checked(hook, exchange, self._expected, result)
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            late = scope.expired()
            reason = f"took over {hook.deadline:g} s" if late else f"raised {type(error).__name__}"
            return caller.fail(hook, exchange, reason, error)
        finally:
            exchange._acting = None
            exchange.timings[hook.position] += perf_counter() - began


class HookCaller:
    """Calls hooks. One for each gateway; keeps the counts of failures."""

    def __init__(self) -> None:
        self.failures = Failures()

    def call(self, hook: Hook, exchange: Exchange, expected: type, *args: Any) -> Any:
        """The hook's result; None when it failed and is skipped; or a `Waiting` to be finished.

        A hook that does not wait costs neither a coroutine of ours nor a timer. Raises
        GatewayError when the hook refuses, PluginFailure when it failed and its policy says so.
        """
        began = perf_counter()
        exchange._acting = hook.plugin
        try:
            running = hook.call(exchange, *args)
            try:
                yielded = running.send(None)
            except StopIteration as done:
                result = done.value
            else:
                return Waiting(self, hook, exchange, expected, running, yielded)
            return result if result is None else self.checked(hook, exchange, expected, result)
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return self.fail(hook, exchange, f"raised {type(error).__name__}", error)
        finally:
            exchange._acting = None
            exchange.timings[hook.position] += perf_counter() - began

    def checked(self, hook: Hook, exchange: Exchange, expected: type, result: Any) -> Any:
        """The result if it is of the right type and declared; else the policy's word."""
        if result is None:
            return None
        if not isinstance(result, expected):
            return self.fail(hook, exchange, f"returned {type(result).__name__}")
        if hook.replaces_response and not hook.mutates_response:
            raise UndeclaredChange(hook.plugin.name, "response")
        return result

    def fail(
        self, hook: Hook, exchange: Exchange, reason: str, error: BaseException | None = None
    ) -> None:
        """Record a failure; raises PluginFailure when the policy is "refuse"."""
        self.failures.add(hook, exchange, reason, error)
        if hook.on_error == "refuse":
            raise PluginFailure(hook.plugin.name, hook.name, reason) from error


@coroutine
def go_on(running: Coroutine[Any, Any, Any], yielded: Any) -> Generator[Any, Any, Any]:
    """Await a coroutine that was started by hand and has yielded once."""
    while True:
        try:
            sent = yield yielded
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's to handle
            step = partial(running.throw, error)
        else:
            step = partial(running.send, sent)
        try:
            yielded = step()
        except StopIteration as done:
            return done.value


def _place_of(error: BaseException | None) -> str:
    """Where an exception was raised, which is what mends it; its text may hold a secret."""
    trace = error.__traceback__ if error is not None else None
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f" at {code.co_filename}:{trace.tb_lineno} in {code.co_qualname}"
