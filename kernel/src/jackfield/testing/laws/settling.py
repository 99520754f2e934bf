"""The first law: whatever happens to a request, it is settled exactly once, in reverse order."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from attrs import frozen

from jackfield.exchange import Exchange
from jackfield.testing.client import Answer, Pending
from jackfield.testing.harness import Harness, Neighbour, names_in_order, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Gate


@frozen
class Scenario:
    """One way in which a request can proceed; `run` makes it, with `neighbour` configured."""

    name: str
    run: Callable[[Harness], Awaitable[None]]
    neighbour: Neighbour | None = None


async def whole(harness: Harness) -> None:
    """The client reads a whole answer."""
    await harness.read()


async def streamed(harness: Harness) -> None:
    """The client reads a stream to its end."""
    await harness.read(stream=True)


async def _provider_error(harness: Harness) -> None:
    harness.fake.fail(400)
    await harness.read()


async def _cut_stream(harness: Harness) -> None:
    harness.fake.reply("The quick", " brown", cut=True)
    await harness.read(stream=True)


async def _held_request(harness: Harness) -> Pending:
    """A request whose provider is still working on it."""
    gate = harness.fake.hold()
    pending = harness.start_chat()
    await harness.until(gate, pending.task)
    return pending


async def _held_stream(harness: Harness) -> tuple[Answer, asyncio.Task[bytes]]:
    """A stream that stops in the middle."""
    gate = Gate()
    harness.fake.reply("The quick", " brown", " fox", gate=gate, at=2)
    answer = await harness.start_chat(stream=True)
    reading = asyncio.create_task(answer.read())
    await harness.until(gate, reading)
    return answer, reading


async def gone_before_the_first_byte(harness: Harness) -> None:
    """The client leaves before the provider answers."""
    pending = await _held_request(harness)
    pending.disconnect()
    await pending


async def gone_in_mid_stream(harness: Harness) -> None:
    """The client leaves while the provider streams."""
    answer, reading = await _held_stream(harness)
    await answer.disconnect()
    await reading


async def _gone_on_the_last_byte(harness: Harness) -> None:
    answer = await harness.start_chat(stream=True)
    async for event in answer.events():
        if b'"end"' in event:
            break
    await answer.disconnect()


async def cancelled(harness: Harness) -> None:
    """The task that waits for the answer is cancelled."""
    pending = await _held_request(harness)
    pending.cancel()
    with suppress(asyncio.CancelledError):
        await pending


async def _cancelled_in_mid_stream(harness: Harness) -> None:
    answer, reading = await _held_stream(harness)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await answer.disconnect()


async def _shut_down(harness: Harness) -> None:
    pending = await _held_request(harness)
    await harness.client.shut_down()
    await pending


async def _shut_down_in_mid_stream(harness: Harness) -> None:
    _, reading = await _held_stream(harness)
    await harness.client.shut_down()
    await reading


SCENARIOS = (
    Scenario("answer", whole),
    Scenario("stream", streamed),
    Scenario("answered-by-an-earlier-plugin", whole, Neighbour("before", "pre_request", "answer")),
    Scenario("answered-by-a-later-plugin", whole, Neighbour("after", "pre_request", "answer")),
    Scenario("refused-by-an-earlier-plugin", whole, Neighbour("before", "pre_request", "refuse")),
    Scenario("refused-by-a-later-plugin", whole, Neighbour("after", "pre_request", "refuse")),
    Scenario("error-of-a-later-plugin", whole, Neighbour("after", "route", "raise")),
    Scenario("error-around-the-provider", streamed, Neighbour("after", "call_provider", "raise")),
    Scenario("error-in-the-stream", streamed, Neighbour("after", "on_stream_chunk", "raise")),
    Scenario("error-while-settling", whole, Neighbour("after", "post_response", "raise")),
    Scenario("provider-error", _provider_error),
    Scenario("cut-stream", _cut_stream),
    Scenario("client-gone-before-the-first-byte", gone_before_the_first_byte),
    Scenario("client-gone-in-mid-stream", gone_in_mid_stream),
    Scenario("client-gone-on-the-last-byte", _gone_on_the_last_byte),
    Scenario("cancelled", cancelled),
    Scenario("cancelled-in-mid-stream", _cancelled_in_mid_stream),
    Scenario("shutdown", _shut_down),
    Scenario("shutdown-in-mid-stream", _shut_down_in_mid_stream),
)


async def settles_once(scenario: Scenario, subject: Subject) -> None:
    """Follow a path, then count."""
    async with run_harness(subject, scenario.neighbour) as harness:
        await scenario.run(harness)
        settled = await harness.settled()
        check_settled(harness, settled.exchange)
        failures = [f for f in settled.exchange.failures if f.startswith(f"{subject.name}.")]
        if failures:
            raise LawBrokenError(f"it failed on this path: {'; '.join(failures)}")


def check_settled(harness: Harness, exchange: Exchange) -> None:
    """Whether each plugin that was reached was settled once, and the inner ones first."""
    names = names_in_order(harness)
    entered = [at for at, name in enumerate(names) if _count(harness, name, "pre_request")]
    reached = max(entered, default=-1) if exchange.plan is None else len(names) - 1
    for at, name in enumerate(names):
        settles = name != harness.subject.name or "post_response" in harness.subject.hooks
        if not settles or harness.client.plugin(name) in exchange.left:
            if name != harness.subject.name and settles:
                raise LawBrokenError(f"it made the plugin {name!r} leave the exchange")
            continue
        expected, found = int(at <= reached), _count(harness, name, "post_response")
        if found != expected:
            whose = "its own" if name == harness.subject.name else f"that of {name!r}"
            raise LawBrokenError(f"{whose} post_response ran {found} times, expected {expected}")
    _check_order(harness, names)


def _check_order(harness: Harness, names: list[str]) -> None:
    calls = [
        call for name in names for call in harness.calls_of(name) if call.hook == "post_response"
    ]
    by_time = [call.plugin for call in sorted(calls, key=lambda call: call.order)]
    inwards = [name for name in reversed(names) if name in by_time]
    if by_time != inwards:
        raise LawBrokenError(f"post_response ran in the order {by_time}, expected {inwards}")


def _count(harness: Harness, name: str, hook: str) -> int:
    return sum(call.hook == hook for call in harness.calls_of(name))


SETTLING = tuple(
    Law(
        f"settled-once-{scenario.name}",
        "post_response runs exactly once for each plugin that was reached, in reverse order",
        partial(settles_once, scenario),
        has_hooks,
    )
    for scenario in SCENARIOS
)
