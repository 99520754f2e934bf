"""The fourth law: `route` runs once per request, `call_provider` once per attempt."""

import asyncio

from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Asked, FakeProvider
from jackfield.testing.stage import Stage, stage

from .settling import streamed, whole

_SOON = 10
"""Turns of the event loop until what is closed in passing is closed."""


async def runs_once_an_attempt(subject: Subject) -> None:
    """Checked with a target that fails and one that answers."""
    async with stage(subject) as on:
        on.fake.fail(503)
        await on.read(model="pair")
        exchange = (await on.settled()).exchange
        routed, wrapped = on.probe.of("route"), on.probe.of("call_provider")
        if len(routed) > 1:
            raise LawBrokenError(f"its route ran {len(routed)} times in one request")
        if wrapped and len(wrapped) != len(exchange.attempts):
            raise LawBrokenError(
                f"its call_provider ran {len(wrapped)} times in {len(exchange.attempts)} attempts"
            )
        targets = [target for call in routed if call.result for target in call.result.targets]
        targets += [one.target for call in wrapped for one in call.nexts]
        for target in targets:
            if target.provider not in _known(on):
                raise LawBrokenError(f"it chose a target that no provider serves: {target}")


def _known(on: Stage) -> set[str]:
    return set(on.gateway.providers)


async def _gone_between_two_events(on: Stage) -> None:
    answer = await on.say(stream=True)
    async for _ in answer.events():
        break
    await answer.disconnect()


async def closes_what_it_starts(subject: Subject) -> None:
    """Every provider call that it starts is passed on, or closed."""
    for walk in (whole, streamed, _gone_between_two_events):
        async with stage(subject) as on:
            await walk(on)
            await on.settled()
            for _ in range(_SOON):
                await asyncio.sleep(0)
            left = [asked for asked in _asked(on) if asked.ended == "running"]
            if left:
                raise LawBrokenError(
                    f"it called call_next {len(_asked(on))} times and left {len(left)} streams"
                    " open; close what is not handed on, and what a stream of its own has read,"
                    " with `await response.close()`"
                )


def _asked(on: Stage) -> list[Asked]:
    providers = [one for one in on.client.plugins.values() if isinstance(one, FakeProvider)]
    return [asked for provider in providers for asked in provider.asked]


def _wraps_calls(subject: Subject) -> bool:
    return "call_provider" in subject.hooks


ATTEMPTS = (
    Law(
        "once-an-attempt",
        "route runs once a request, call_provider once an attempt",
        runs_once_an_attempt,
        has_hooks,
    ),
    Law(
        "calls-closed",
        "a plugin closes the calls of providers that it does not hand on",
        closes_what_it_starts,
        _wraps_calls,
    ),
)
