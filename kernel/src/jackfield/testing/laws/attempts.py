"""The fourth law: `route` runs once per request, `call_provider` once per attempt."""

import asyncio

from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import FakeProvider, ProviderRequest

from .settling import streamed, whole

_SOON = 10
"""Turns of the event loop until what is closed in passing is closed."""


async def runs_once_an_attempt(subject: Subject) -> None:
    """Checked with a target that fails and one that answers."""
    async with run_harness(subject) as harness:
        harness.fake.fail(503)
        await harness.read(model="pair")
        exchange = (await harness.settled()).exchange
        routed, wrapped = harness.probe.of("route"), harness.probe.of("call_provider")
        if len(routed) > 1:
            raise LawBrokenError(f"its route ran {len(routed)} times in one request")
        if wrapped and len(wrapped) != len(exchange.attempts):
            raise LawBrokenError(
                f"its call_provider ran {len(wrapped)} times in {len(exchange.attempts)} attempts"
            )
        targets = [target for call in routed if call.result for target in call.result.targets]
        targets += [one.target for call in wrapped for one in call.next_calls]
        for target in targets:
            if target.provider not in _known(harness):
                raise LawBrokenError(f"it chose a target that no provider serves: {target}")


def _known(harness: Harness) -> set[str]:
    return set(harness.gateway.providers)


async def _gone_between_two_events(harness: Harness) -> None:
    answer = await harness.start_chat(stream=True)
    async for _ in answer.events():
        break
    await answer.disconnect()


async def closes_what_it_starts(subject: Subject) -> None:
    """Every provider call that it starts is passed on, or closed."""
    for run in (whole, streamed, _gone_between_two_events):
        async with run_harness(subject) as harness:
            await run(harness)
            await harness.settled()
            for _ in range(_SOON):
                await asyncio.sleep(0)
            requests = _requests(harness)
            left = [request for request in requests if request.ended == "running"]
            if left:
                raise LawBrokenError(
                    f"it called call_next {len(requests)} times and left {len(left)} streams"
                    " open; close what is not handed on, and what a stream of its own has read,"
                    " with `await response.close()`"
                )


def _requests(harness: Harness) -> list[ProviderRequest]:
    providers = [one for one in harness.client.plugins.values() if isinstance(one, FakeProvider)]
    return [request for provider in providers for request in provider.requests]


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
