"""Applies a plugin's failure policy when a hook fails, is late or returns a wrong type."""

import asyncio
from collections.abc import Collection
from math import inf
from time import perf_counter
from typing import Any

from jackfield._hook_chain import Hook
from jackfield._mistakes import WrongResultError, is_being_cancelled, logger, place_of
from jackfield.errors import GatewayError, PluginFailure, ProviderError, UndeclaredChange
from jackfield.exchange import Exchange
from jackfield.response import Response
from jackfield.store import StoreUnavailable

SWEEP_SECONDS = 0.05
"""How often deadlines are looked at, hence how late one may be."""


class HookCaller:
    """Handles the results of one gateway's hook calls; `live` are its running exchanges.

    The caller of a hook sets `exchange.acting` and `exchange.due` beforehand, and adds the time it
    took to `exchange.timings`. These loops are written out where they are needed, because a
    function call would cost more than the hook itself. Deadlines cost a hook nothing: one sweep
    checks all exchanges and cancels what is overdue.
    """

    def __init__(self, live: Collection[Exchange]) -> None:
        self.failures: dict[tuple[str, str, str], int] = {}
        """How often plugins failed, and what was made of it: (plugin, hook, policy) → count."""
        self._live = live
        self._timer: asyncio.TimerHandle | None = None

    def failed(self, hook: Hook, exchange: Exchange, error: BaseException, began: float) -> None:
        """Handle what a hook raised: skip it or raise.

        A GatewayError is the hook's own refusal and is raised again, unless it comes from something
        the hook called and can do without. Anything else is the plugin's failure, and becomes a
        PluginFailure if its policy says so.
        """
        fails = isinstance(error, Exception | SystemExit) and not isinstance(error, GatewayError)
        spared = hook.on_error == "skip" and isinstance(error, ProviderError | StoreUnavailable)
        try:
            if isinstance(error, asyncio.CancelledError):
                self._cancelled(hook, exchange, error)
            elif fails or spared:
                self.fail(hook, exchange, f"raised {type(error).__name__}", error)
            else:
                raise error
        except BaseException:
            exchange.acting = None
            exchange.timings[hook.position] += perf_counter() - began
            raise

    def checked(self, hook: Hook, exchange: Exchange, expected: type, result: Any) -> Any:
        """What a hook returned; None if it has the wrong type and that is skipped."""
        if fault := fault_in(result, expected):
            return self.fail(hook, exchange, fault)
        if hook.name == "post_response":
            exchange._record("response", "response")
        return result

    def _cancelled(self, hook: Hook, exchange: Exchange, error: BaseException) -> None:
        """A missed deadline or the plugin's own CancelledError is a failure; the rest goes on.

        While an exchange is being settled, only a deadline can cancel its hooks.
        """
        if self.is_overdue(exchange):
            return self.fail(hook, exchange, f"took over {hook.deadline:g} s", error)
        if is_being_cancelled():
            raise error
        return self.fail(hook, exchange, "raised CancelledError", error)

    def is_overdue(self, exchange: Exchange) -> bool:
        """Whether a hook was cancelled because of its deadline; then the task goes on."""
        is_settling = exchange.task is None
        if exchange.overdue and exchange.runner and (is_settling or exchange.ending is None):
            exchange.overdue = False
            exchange.runner.uncancel()
            return True
        return False

    def fail(
        self, hook: Hook, exchange: Exchange, reason: str, error: BaseException | None = None
    ) -> None:
        """Count and log a failure, without a plugin's own words, which may hold a secret.

        Raises PluginFailure when the policy is "refuse".
        """
        name = hook.plugin.name
        key = (name, hook.name, hook.on_error)
        self.failures[key] = self.failures.get(key, 0) + 1
        exchange.failures.append(f"{name}.{hook.name}: {reason} → {hook.on_error}")
        is_explained = isinstance(error, UndeclaredChange | WrongResultError)
        where = f": {error}" if is_explained else place_of(error, hook.plugin.__module__)
        facts = (name, hook.name, reason, where, hook.on_error, exchange.id)
        logger.warning("plugin %s failed in %s: %s%s; policy %s; request %s", *facts)
        if hook.on_error == "refuse":
            raise PluginFailure(name, hook.name, reason) from error

    def start(self) -> None:
        """Start enforcing deadlines."""
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.start)
        now = perf_counter()
        for exchange in self._live:
            hook = exchange.acting
            if hook and hook.name != "on_stream_chunk" and exchange.due < now and exchange.runner:
                exchange.overdue = True
                exchange.due = inf
                exchange.runner.cancel()

    def stop(self) -> None:
        """Stop enforcing deadlines."""
        if self._timer is not None:
            self._timer.cancel()


def fault_in(result: Any, expected: type) -> str:
    """Why what a plugin returned cannot be used; "" if it can."""
    if isinstance(result, expected):
        return result.wrong_header() if isinstance(result, Response) else ""
    return f"returned {type(result).__name__}"
