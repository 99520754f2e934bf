"""Plugins whose hooks break a law, each found by the kit under that law's name."""

import asyncio
import time
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield import CallNext, Exchange, Outcome, Plan, Plugin, Response, Target, hookimpl


class HidesItsNeighbours(Plugin):
    """Writes into the kernel's own notes."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.entered = 0


class ExpectsAWholeAnswer(Plugin):
    """Reads the body although a stream has none."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if outcome.response is not None:
            exchange.state[self] = outcome.response.json()["usage"]


class DoesNothing(Plugin):
    """Implements a hook for nothing."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        return None


class AsksAStranger(Plugin):
    """Calls a provider that there is not."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return await call_next(Target("stranger", target.model))


class PlansForAStranger(Plugin):
    """Sends requests to a provider that there is not."""

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        return plan.add([Target("stranger", "m")], "it is worth a try")


class LeavesStreamsOpen(Plugin):
    """Asks twice and forgets the first answer."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        await call_next(target)
        return await call_next(target)


class CountsOnItself(Plugin):
    """Takes for granted that its own first hook has run."""

    on_error = "skip"

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = 1

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] += 1


class ChangesUndeclared(Plugin):
    """Has no `mutates`."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.set_model("fake/another")


class ChangesDirectly(Plugin):
    """Goes past the methods that record."""

    mutates = frozenset({"request"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.model = "fake/another"


class RewritesAttempts(Plugin):
    """Changes a response that it has not declared to change."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return replace(await call_next(target), status=203)


class CooksTheBooks(Plugin):
    """Says that it took no time."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.state[self] = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.timings[:] = [-1.0] * len(exchange.timings)


class SurvivesCancellation(Plugin):
    """Waits in `pre_request`, and goes on when it is cancelled."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            exchange.state[self] = "cancelled"


class AnswersTheDead(Plugin):
    """Makes an answer of every failure, a cancellation too."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        try:
            return await call_next(target)
        except BaseException:  # noqa: BLE001 - which is what is broken
            return Response(200, b"{}")


class Dawdles(Plugin):
    """Sleeps where everybody waits for it."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        time.sleep(0.6)  # noqa: ASYNC251 - which is what is broken


class AuthenticatesNobody(Plugin):
    """Says that it authenticates, and looks at nothing."""

    authenticates = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] = True


class HasNoColour(Plugin):
    """Its hook is no coroutine function."""

    @hookimpl
    def pre_request(self, exchange: Exchange) -> None:  # type: ignore[override] # what is broken
        exchange.state[self] = True


class HasNoSuchHook(Plugin):
    """Implements a hook that there is not."""

    @hookimpl
    async def pre_requset(self, exchange: Exchange) -> None:
        exchange.state[self] = True


CASES: list[tuple[str, type[Plugin], str]] = [
    ("settled-once-answer", HidesItsNeighbours, "post_response ran 0 times"),
    ("settled-once-stream", ExpectsAWholeAnswer, "raised TypeError"),
    ("idle-hooks", DoesNothing, "pre_request does nothing"),
    ("once-an-attempt", AsksAStranger, "stranger"),
    ("once-an-attempt", PlansForAStranger, "stranger/m"),
    ("calls-closed", LeavesStreamsOpen, "left 1 streams open"),
    ("failure-policy-pre_request", CountsOnItself, "another hook failed"),
    ("declared-changes", ChangesUndeclared, "mutates"),
    ("declared-changes", ChangesDirectly, "exchange.model"),
    ("declared-changes", RewritesAttempts, "call_provider: raised UndeclaredChange"),
    ("timed", CooksTheBooks, "tampered"),
    ("cancellation", SurvivesCancellation, "pre_request swallowed"),
    ("cancellation", AnswersTheDead, "call_provider swallowed"),
    ("event-loop", Dawdles, "blocked the event loop"),
    ("declaration", AuthenticatesNobody, "it authenticates"),
    ("proper-hooks", HasNoColour, "must be async def"),
    ("proper-hooks", HasNoSuchHook, "no hook has this name"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_a_hook_breaks(
    law: str, kind: type[Plugin], what: str, verdict: Any
) -> None:
    assert what in verdict(kind, law)
