"""The attempt loop: the plan's targets in order, again after a pause, until one answers."""

import asyncio
import random
from collections.abc import Mapping
from itertools import count
from time import perf_counter
from typing import Final

from jackfield._hook_call import HookCaller
from jackfield._hook_chain import Hook
from jackfield.errors import GatewayError, LossRefused, ModelNotFound, ProviderError
from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.providers import Provider
from jackfield.response import Attempt, Response

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0
"""Seconds; a provider that asks for a longer wait is not asked again."""


class Attempts:
    """Makes attempts for exchanges, each through the onion of `call_provider` hooks."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        hooks: tuple[Hook, ...],
        caller: HookCaller,
        retries: int,
    ) -> None:
        self._providers = providers
        self._hooks = hooks
        self._caller = caller
        self._retries = retries

    async def run(self, exchange: Exchange, plan: Plan) -> Response:
        """The first answer that a target gives. Raises the last error when none does.

        A failure that another target may mend moves on at once; one that time may mend is tried
        again in a later round, after a jittered pause or the one that the provider asks for.
        """
        targets, pause = plan.targets, 0.0
        for round_number in count():
            again: list[Target] = []
            last: GatewayError | None = None
            for target in targets:
                try:
                    return await self._attempt(exchange, target, pause)
                except ProviderError as error:
                    last = error
                    if error.again:
                        again.append(target)
                    elif not error.elsewhere:
                        raise
                pause = 0.0
            if last is None:
                raise no_target(exchange, plan)
            pause = _pause(round_number, last)
            if not again or round_number >= self._retries or pause > LONGEST_PAUSE:
                raise last
            await asyncio.sleep(pause)
            targets = tuple(again)
        raise AssertionError("count() does not end")

    async def _attempt(self, exchange: Exchange, target: Target, waited: float) -> Response:
        began = perf_counter()
        status: int | None = None
        problem: str | None = None
        try:
            response = await self._through(0, exchange, target)
            status = response.status
            return response
        except GatewayError as error:
            status, problem = error.http_status, error.code
            raise
        finally:
            seconds = perf_counter() - began
            exchange.attempts.append(Attempt(target, seconds, status, problem, waited))

    async def _through(self, at: int, exchange: Exchange, target: Target) -> Response:
        left = exchange._left
        hooks = self._hooks
        while at < len(hooks) and left is not None and hooks[at].plugin in left:
            at += 1
        if at == len(hooks):
            return await self._providers[target.provider].call(exchange, target)
        return await self._wrapped(at, exchange, target)

    async def _wrapped(self, at: int, exchange: Exchange, target: Target) -> Response:
        """One layer of the onion, by its plugin's failure policy."""
        hook = self._hooks[at]
        inner: list[Response] = []
        inside = 0.0

        async def call_next(target: Target) -> Response:
            nonlocal inside
            exchange._acting = None
            began = perf_counter()
            try:
                response = await self._through(at + 1, exchange, target)
            finally:
                inside += perf_counter() - began
                exchange._acting = hook.plugin
            inner.append(response)
            return response

        began = perf_counter()
        exchange._acting = hook.plugin
        reason, cause = "", None
        try:
            result = await hook.call(exchange, target, call_next)
            if isinstance(result, Response):
                return result
            reason = f"returned {type(result).__name__}"
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            reason, cause = f"raised {type(error).__name__}", error
        finally:
            exchange._acting = None
            exchange.timings[hook.position] += perf_counter() - began - inside
        self._caller.fail(hook, exchange, reason, cause)
        return inner[-1] if inner else await self._through(at + 1, exchange, target)


def _pause(round_number: int, error: GatewayError) -> float:
    if error.retry_after is not None:
        return error.retry_after + random.uniform(0, 0.1)  # noqa: S311 - jitter, not a secret
    return FIRST_PAUSE * 2.0**round_number * random.uniform(0.5, 1.5)  # noqa: S311


def no_target(exchange: Exchange, plan: Plan) -> GatewayError:
    """Why a plan is empty, in the words of the decisions that emptied it."""
    why = "; ".join(f"{d.what}: {d.because}" for d in plan.decisions if d.what.startswith("drop"))
    if "on_loss" in why:
        return LossRefused(f"No target can express this request. {why}")
    if why:
        return ProviderError(f"No target is left for {exchange.model!r}. {why}")
    return ModelNotFound(f"No provider serves {exchange.model!r} here.", param="model")
