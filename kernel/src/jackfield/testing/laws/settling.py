"""The first law: whatever happens to a request, it is settled exactly once, in reverse order."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from attrs import frozen

from jackfield.exchange import Exchange
from jackfield.testing.client import Answer, Pending
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Gate
from jackfield.testing.stage import Neighbour, Stage, members, stage


@frozen
class Path:
    """One way in which a request can proceed."""

    name: str
    walk: Callable[[Stage], Awaitable[None]]
    neighbour: Neighbour | None = None


async def whole(on: Stage) -> None:
    """The client reads a whole answer."""
    await on.read()


async def streamed(on: Stage) -> None:
    """The client reads a stream to its end."""
    await on.read(stream=True)


async def _provider_error(on: Stage) -> None:
    on.fake.fail(400)
    await on.read()


async def _cut_stream(on: Stage) -> None:
    on.fake.reply("The quick", " brown", cut=True)
    await on.read(stream=True)


async def _asking(on: Stage) -> Pending:
    """A request whose provider is still working on it."""
    gate = on.fake.hold()
    asking = on.say()
    await on.until(gate, asking.task)
    return asking


async def _reading(on: Stage) -> tuple[Answer, asyncio.Task[bytes]]:
    """A stream that stops in the middle."""
    gate = Gate()
    on.fake.reply("The quick", " brown", " fox", gate=gate, at=2)
    answer = await on.say(stream=True)
    reading = asyncio.create_task(answer.read())
    await on.until(gate, reading)
    return answer, reading


async def gone_before_the_first_byte(on: Stage) -> None:
    """The client leaves before the provider answers."""
    asking = await _asking(on)
    asking.disconnect()
    await asking


async def gone_in_mid_stream(on: Stage) -> None:
    """The client leaves while the provider streams."""
    answer, reading = await _reading(on)
    await answer.disconnect()
    await reading


async def _gone_on_the_last_byte(on: Stage) -> None:
    answer = await on.say(stream=True)
    async for event in answer.events():
        if b'"end"' in event:
            break
    await answer.disconnect()


async def cancelled(on: Stage) -> None:
    """The task that waits for the answer is cancelled."""
    asking = await _asking(on)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking


async def _cancelled_in_mid_stream(on: Stage) -> None:
    answer, reading = await _reading(on)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await answer.disconnect()


async def _shut_down(on: Stage) -> None:
    asking = await _asking(on)
    await on.client.shut_down()
    await asking


async def _shut_down_in_mid_stream(on: Stage) -> None:
    _, reading = await _reading(on)
    await on.client.shut_down()
    await reading


PATHS = (
    Path("answer", whole),
    Path("stream", streamed),
    Path("answered-by-an-earlier-plugin", whole, Neighbour("before", "pre_request", "answer")),
    Path("answered-by-a-later-plugin", whole, Neighbour("after", "pre_request", "answer")),
    Path("refused-by-an-earlier-plugin", whole, Neighbour("before", "pre_request", "refuse")),
    Path("refused-by-a-later-plugin", whole, Neighbour("after", "pre_request", "refuse")),
    Path("error-of-a-later-plugin", whole, Neighbour("after", "route", "raise")),
    Path("error-around-the-provider", streamed, Neighbour("after", "call_provider", "raise")),
    Path("error-in-the-stream", streamed, Neighbour("after", "on_stream_chunk", "raise")),
    Path("error-while-settling", whole, Neighbour("after", "post_response", "raise")),
    Path("provider-error", _provider_error),
    Path("cut-stream", _cut_stream),
    Path("client-gone-before-the-first-byte", gone_before_the_first_byte),
    Path("client-gone-in-mid-stream", gone_in_mid_stream),
    Path("client-gone-on-the-last-byte", _gone_on_the_last_byte),
    Path("cancelled", cancelled),
    Path("cancelled-in-mid-stream", _cancelled_in_mid_stream),
    Path("shutdown", _shut_down),
    Path("shutdown-in-mid-stream", _shut_down_in_mid_stream),
)


async def settles_once(path: Path, subject: Subject) -> None:
    """Follow a path, then count."""
    async with stage(subject, path.neighbour) as on:
        await path.walk(on)
        over = await on.settled()
        check_settled(on, over.exchange)
        mine = [f for f in over.exchange.failures if f.startswith(f"{subject.name}.")]
        if mine:
            raise LawBrokenError(f"it failed on this path: {'; '.join(mine)}")


def check_settled(on: Stage, exchange: Exchange) -> None:
    """Whether each plugin that was reached was settled once, and the inner ones first."""
    names = members(on)
    entered = [at for at, name in enumerate(names) if _count(on, name, "pre_request")]
    reached = max(entered, default=-1) if exchange.plan is None else len(names) - 1
    for at, name in enumerate(names):
        settles = name != on.subject.name or "post_response" in on.subject.hooks
        if not settles or exchange.has_left(on.client.plugin(name)):
            if name != on.subject.name and settles:
                raise LawBrokenError(f"it made the plugin {name!r} leave the exchange")
            continue
        expected, found = int(at <= reached), _count(on, name, "post_response")
        if found != expected:
            whose = "its own" if name == on.subject.name else f"that of {name!r}"
            raise LawBrokenError(f"{whose} post_response ran {found} times, expected {expected}")
    _check_order(on, names)


def _check_order(on: Stage, names: list[str]) -> None:
    calls = [call for name in names for call in on.calls_of(name) if call.hook == "post_response"]
    by_time = [call.plugin for call in sorted(calls, key=lambda call: call.order)]
    inwards = [name for name in reversed(names) if name in by_time]
    if by_time != inwards:
        raise LawBrokenError(f"post_response ran in the order {by_time}, expected {inwards}")


def _count(on: Stage, name: str, hook: str) -> int:
    return sum(call.hook == hook for call in on.calls_of(name))


SETTLING = tuple(
    Law(
        f"settled-once-{path.name}",
        "post_response runs exactly once for each plugin that was reached, in reverse order",
        partial(settles_once, path),
        has_hooks,
    )
    for path in PATHS
)
