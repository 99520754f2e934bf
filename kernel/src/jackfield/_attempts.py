"""The attempt loop: tries the plan's targets in order, with pauses, until one answers."""

import asyncio
import random
from collections.abc import Coroutine, Mapping
from time import perf_counter
from typing import Any, Final

from attrs import define

from jackfield._hook_call import HookCaller, fault_in
from jackfield._hook_chain import Hook
from jackfield._mistakes import WrongResultError, failed_call, is_being_cancelled
from jackfield.errors import GatewayError, LossRefused, ModelNotFound, NotServed, ProviderError
from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.providers import Provider
from jackfield.response import Attempt, Response
from jackfield.settings import Upstream

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0
"""Seconds; a provider that asks for a longer wait is not asked again."""


class Attempts:
    """Makes attempts for exchanges, each through the layers of `call_provider` hooks."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        hooks: tuple[Hook, ...],
        caller: HookCaller,
        upstream: Upstream,
    ) -> None:
        self._providers = providers
        self._hooks = hooks
        self._caller = caller
        self._retries = upstream.retries
        # Seconds that a plugin may spend in the hook, not counting the provider's time.
        self._patience = upstream.timeouts.total

    def unknown_target(self, plan: Plan) -> Target | None:
        """A target whose provider is not configured, if there is one."""
        return next((one for one in plan.targets if one.provider not in self._providers), None)

    async def run(self, exchange: Exchange, plan: Plan) -> Response:
        """The first answer that a target gives. Raises the last error when none answers.

        A failure that another target may avoid moves on to the next at once. One that may pass with
        time is tried again in a later round, after a jittered pause or the one that the provider
        asks for.
        """
        targets, pause, rounds = plan.targets, 0.0, 0
        while True:
            again: list[Target] = []
            last: GatewayError | None = None
            for target in targets:
                try:
                    return await self._attempt(exchange, target, pause)
                except (LossRefused, ModelNotFound, NotServed) as error:
                    last = error.without_traceback()
                except ProviderError as error:
                    last = error.without_traceback()
                    if error.again:
                        again.append(target)
                    elif not error.elsewhere:
                        raise
                pause = 0.0
            if last is None:
                raise no_target(exchange, plan)
            pause = _pause(rounds, last)
            if not again or rounds >= self._retries or pause > LONGEST_PAUSE:
                raise last
            await asyncio.sleep(pause)
            targets, rounds = tuple(again), rounds + 1

    async def _attempt(self, exchange: Exchange, target: Target, waited: float) -> Response:
        began = perf_counter()
        status: int | None = None
        problem: str | None = None
        cause: str | None = None
        try:
            outermost = self._layer(0, exchange, target) if self._hooks else None
            response = await (outermost or self._call(exchange, target, None))
            status = response.status
            return response
        except GatewayError as error:
            status, problem = error.answered or error.http_status, error.code
            cause = type(error.__cause__).__name__ if error.__cause__ else None
            raise
        finally:
            seconds = perf_counter() - began
            exchange.attempts.append(Attempt(target, seconds, status, problem, waited, cause))

    async def _layer(
        self, at: int, exchange: Exchange, target: Target, outer: "Next | None" = None
    ) -> Response:
        """Call the `call_provider` hooks from `at` inwards, and finally the provider."""
        hooks = self._hooks
        while exchange.left and at < len(hooks) and hooks[at].plugin in exchange.left:
            at += 1
        if at == len(hooks):
            return await self._call(exchange, target, outer)
        hook, call_next = hooks[at], Next(self, at + 1, exchange)
        acting, began = exchange.acting, perf_counter()
        exchange.acting, exchange.due = hook, began + self._patience
        try:
            response: Response = await hook.call(exchange, target, call_next)
            if call_next.response is None or response is not call_next.response:
                response = await self._checked(hook, call_next, target, response)
        except GatewayError:
            raise
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            reason = f"raised {type(error).__name__}"
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                if not self._caller.is_overdue(exchange):
                    raise
                reason = f"took over {self._patience:g} s"
            response = await self._skipped(hook, call_next, target, reason, error)
        finally:
            spent = perf_counter() - began
            exchange.acting, exchange.due = acting, began + spent + self._patience
            exchange.timings[hook.position] += spent - call_next.seconds
            if outer is not None:
                outer.seconds += spent
        if outer is not None:
            outer.record(response)
        return response

    async def _call(self, exchange: Exchange, target: Target, outer: "Next | None") -> Response:
        """The provider's answer. If its code fails, another target may still answer."""
        provider = self._providers[target.provider]
        if exchange.waiting:
            exchange.call_begins()
        acting, began = exchange.acting, perf_counter()
        exchange.acting = None
        try:
            response = await provider.call(exchange, target)
            if not isinstance(response, Response):
                raise WrongResultError(f"returned {type(response).__name__}")
        except GatewayError:
            raise
        except (Exception, SystemExit) as error:
            raise failed_call(provider, error, exchange.id) from error
        finally:
            spent = perf_counter() - began
            exchange.acting, exchange.due = acting, began + spent + self._patience
            exchange.provider_seconds += spent
            if outer is not None:
                outer.seconds += spent
        if outer is not None:
            outer.record(response)
        return response

    async def _checked(
        self, hook: Hook, call_next: "Next", target: Target, response: Response
    ) -> Response:
        """What a plugin returned that is not what it got last."""
        if fault := fault_in(response, Response):
            return await self._skipped(hook, call_next, target, fault)
        if call_next.response is not None and response not in call_next.exchange.answers:
            call_next.exchange._record("response", "response")
        return response

    async def _skipped(
        self,
        hook: Hook,
        call_next: "Next",
        target: Target,
        reason: str,
        error: BaseException | None = None,
    ) -> Response:
        """The answer without a plugin that failed. Raises PluginFailure if its policy says so."""
        self._caller.fail(hook, call_next.exchange, reason, error)
        return call_next.response or await call_next(target)


@define(eq=False)
class Next:
    """The `call_next` that a plugin gets: runs the inner layers and remembers their result."""

    _attempts: Attempts
    _at: int
    exchange: Exchange
    seconds: float = 0.0
    response: Response | None = None

    def __call__(self, target: Target) -> Coroutine[Any, Any, Response]:
        """Call the next inner layer."""
        return self._attempts._layer(self._at, self.exchange, target, self)

    def record(self, response: Response) -> None:
        """Note what came from inwards; a plugin may call more than once."""
        self.response = response
        if response not in self.exchange.answers:
            self.exchange.answers += (response,)


def _pause(rounds: int, error: GatewayError) -> float:
    if error.retry_after is not None:
        return error.retry_after + random.uniform(0, 0.1)  # noqa: S311 - jitter, not a secret
    return FIRST_PAUSE * 2.0**rounds * random.uniform(0.5, 1.5)  # noqa: S311


def no_target(exchange: Exchange, plan: Plan) -> GatewayError:
    """Why a plan is empty, in the words of the decisions that emptied it."""
    why = "; ".join(f"{d.what}: {d.because}" for d in plan.decisions if d.what.startswith("drop"))
    if "on_loss" in why:
        return LossRefused(f"No target can express this request. {why}")
    if why:
        return ProviderError(f"No target is left for {exchange.model!r}. {why}")
    return ModelNotFound(f"No provider serves {exchange.model!r} here.", param="model")
