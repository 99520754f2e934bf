"""Plugins whose hooks break a law, each found by the kit under that law's name."""

import asyncio
import time
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield import CallNext, Exchange, Outcome, Plan, Plugin, Response, Target, hookimpl


class ResetsEntered(Plugin):
    """Resets how many plugins the exchange has entered, so that others are not settled."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.entered = 0


class ExpectsAWholeAnswer(Plugin):
    """Reads the body of a streamed answer."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if outcome.response is not None:
            exchange.state[self] = outcome.response.json()["usage"]


class DoesNothing(Plugin):
    """Implements a hook that does nothing."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        return None


class CallsAnUnknownProvider(Plugin):
    """Calls a provider that does not exist."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return await call_next(Target("unknown", target.model))


class PlansAnUnknownProvider(Plugin):
    """Routes requests to a provider that does not exist."""

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        return plan.add([Target("unknown", "m")], "it is worth a try")


class LeavesStreamsOpen(Plugin):
    """Calls the provider twice and does not close the first answer."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        await call_next(target)
        return await call_next(target)


class AssumesItsFirstHook(Plugin):
    """Assumes in a later hook that its own first hook has run."""

    on_error = "skip"

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = 1

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] += 1


class ChangesUndeclared(Plugin):
    """Changes the request without declaring it in `mutates`."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.set_model("fake/another")


class ChangesDirectly(Plugin):
    """Sets an attribute instead of calling the method that records the change."""

    mutates = frozenset({"request"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.model = "fake/another"


class RewritesAttempts(Plugin):
    """Changes a response without declaring it in `mutates`."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return replace(await call_next(target), status=203)


class OverwritesTimings(Plugin):
    """Overwrites the recorded timings."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.timings[:] = [-1.0] * len(exchange.timings)


class SwallowsCancellation(Plugin):
    """Waits in `pre_request`, and goes on when it is cancelled."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            exchange.state[self] = "cancelled"


class AnswersCancelledCalls(Plugin):
    """Answers instead of every failure, including a cancellation."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        try:
            return await call_next(target)
        except BaseException:  # noqa: BLE001 - which is what is broken
            return Response(200, b"{}")


class BlocksTheEventLoop(Plugin):
    """Sleeps without releasing the event loop."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        time.sleep(0.6)  # noqa: ASYNC251 - which is what is broken


class AuthenticatesNobody(Plugin):
    """Declares that it authenticates, and has no `pre_request`."""

    authenticates = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] = True


class HasASyncHook(Plugin):
    """Its async hook is no coroutine function."""

    @hookimpl
    def pre_request(self, exchange: Exchange) -> None:  # type: ignore[override] # what is broken
        exchange.state[self] = True


class HasAnUnknownHook(Plugin):
    """Marks a method that is not a hook."""

    @hookimpl
    async def pre_requset(self, exchange: Exchange) -> None:
        exchange.state[self] = True


CASES: list[tuple[str, type[Plugin], str]] = [
    ("settled-once-answer", ResetsEntered, "post_response ran 0 times"),
    ("settled-once-stream", ExpectsAWholeAnswer, "raised TypeError"),
    ("idle-hooks", DoesNothing, "pre_request does nothing"),
    ("once-an-attempt", CallsAnUnknownProvider, "unknown"),
    ("once-an-attempt", PlansAnUnknownProvider, "unknown/m"),
    ("calls-closed", LeavesStreamsOpen, "left 1 streams open"),
    ("failure-policy-pre_request", AssumesItsFirstHook, "another hook failed"),
    ("declared-changes", ChangesUndeclared, "mutates"),
    ("declared-changes", ChangesDirectly, "exchange.model"),
    ("declared-changes", RewritesAttempts, "call_provider: raised UndeclaredChange"),
    ("timed", OverwritesTimings, "tampered"),
    ("cancellation", SwallowsCancellation, "pre_request swallowed"),
    ("cancellation", AnswersCancelledCalls, "call_provider swallowed"),
    ("event-loop", BlocksTheEventLoop, "blocked the event loop"),
    ("declaration", AuthenticatesNobody, "it authenticates"),
    ("proper-hooks", HasASyncHook, "must be async def"),
    ("proper-hooks", HasAnUnknownHook, "no hook has this name"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_a_hook_breaks(
    law: str, kind: type[Plugin], what: str, verdict: Any
) -> None:
    assert what in verdict(kind, law)
