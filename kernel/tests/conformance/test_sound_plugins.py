"""Plugins that are sound in an unusual way, and of which the kit has nothing to say."""

import asyncio
from typing import Any

import pytest
from attrs import evolve

from jackfield import (
    CallNext,
    Exchange,
    Outcome,
    Plugin,
    Principal,
    RateLimited,
    Response,
    Target,
    hookimpl,
)
from jackfield.testing.checking import laws_for, subject_of
from jackfield.testing.law import Law, Subject


class Hedges(Plugin):
    """Asks twice, takes what comes first, and cancels the other."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        calls = [asyncio.ensure_future(call_next(target)) for _ in range(2)]
        try:
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            first = done.pop()
            calls.remove(first)
            return first.result()
        finally:
            for other in calls:
                other.cancel()
            for left in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(left, Response):
                    await left.close()


class Authenticates(Plugin):
    """Knows who asks by one word."""

    authenticates = True
    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if exchange.request.headers.get("authorization") == "Bearer sesame":
            exchange.set_principal(Principal("cave", "sesame", frozenset({"inference"})))


class LetsInOne(Plugin):
    """Serves one at a time and sends the others away."""

    inside = False

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if self.inside:
            raise RateLimited("Somebody else is in.")
        exchange.note(self, dict)
        self.inside = True

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if self in exchange.state:
            self.inside = False


class LetsOthersWait(Plugin):
    """Serves one at a time and lets the others wait."""

    deadline_ms = 5000

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.turn = asyncio.Lock()

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        await self.turn.acquire()
        exchange.note(self, dict)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        if self in exchange.state:
            self.turn.release()


KINDS = (Hedges, Authenticates, LetsInOne, LetsOthersWait)
CASES = [(law, subject) for subject in map(subject_of, KINDS) for law in laws_for(subject)]


@pytest.mark.parametrize(
    ("law", "subject"), CASES, ids=[f"{subject.name}-{law.id}" for law, subject in CASES]
)
def test_the_kit_has_nothing_to_say_of_a_sound_plugin(law: Law, subject: Subject) -> None:
    law.hold(evolve(subject, headers={"authorization": "Bearer sesame"}))
