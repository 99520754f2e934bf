"""Concurrent and successive requests do not affect each other."""

import asyncio
from contextlib import suppress

from jackfield import sse
from jackfield.testing.client import Pending
from jackfield.testing.dialect import TESTING_CHAT
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Gate

from .settling import cancelled, gone_before_the_first_byte, gone_in_mid_stream

_SIZE = 7
_ENOUGH = 0.3
"""Seconds that a request gets to come as far as another; it may have to wait for it to end."""

PLACES = ((False, 0), (True, 2), (True, 3))
"""Whether two answers stream, and the event at which both have to wait."""


async def keeps_requests_apart(subject: Subject) -> None:
    """Two concurrent requests each have only their own content."""
    texts = subject.texts[0], subject.texts[-1]
    for stream, at in PLACES:
        alone = [await _alone(subject, text, stream=stream) for text in texts]
        async with run_harness(subject) as harness:
            together = await _together(harness, texts, stream=stream, at=at)
        for text, one, other in zip(texts, alone, together, strict=True):
            if None not in (one, other) and one != other:
                raise LawBrokenError(
                    f"to {text!r} the answer was {one!r} alone, and {other!r} beside another"
                    " request; what is for one request belongs into exchange.note"
                )


async def _alone(subject: Subject, text: str, *, stream: bool) -> str | None:
    async with run_harness(subject) as harness:
        harness.fake.echo(_SIZE)
        return await _read(harness.start_chat(stream=stream, text=text))


async def _together(
    harness: Harness, texts: tuple[str, ...], *, stream: bool, at: int
) -> list[str | None]:
    gates, reading = [], []
    for text in texts:
        gates.append(Gate())
        harness.fake.echo(_SIZE, gate=gates[-1], at=at)
        reading.append(asyncio.create_task(_read(harness.start_chat(stream=stream, text=text))))
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENOUGH):
                await harness.until(gates[-1], reading[-1])
    for gate in gates:
        gate.open()
    return [await one for one in reading]


async def _read(pending: Pending) -> str | None:
    """The text of the answer; None if it was refused or broken off."""
    answer = await pending
    body = await answer.read()
    broken = any(TESTING_CHAT.terminal(event) == "error" for event in sse.split(body))
    return None if answer.status != 200 or broken else await answer.text()


async def recovers(subject: Subject) -> None:
    """After a client has left, the next one is served as if it had not."""
    async with run_harness(subject) as harness:
        if [(await harness.read()).status for _ in range(2)] != [200, 200]:
            return
    for leave in (gone_before_the_first_byte, gone_in_mid_stream, cancelled):
        async with run_harness(subject) as harness:
            await leave(harness)
            await harness.settled()
            answer = await harness.read()
            if answer.status != 200:
                raise LawBrokenError(
                    f"once a client had left, the next request ended in status {answer.status};"
                    " what pre_request takes post_response gives back, whatever the outcome"
                )


ISOLATION = (
    Law(
        "requests-apart",
        "requests of the same moment do not mix",
        keeps_requests_apart,
        has_hooks,
    ),
    Law("recovery", "a client that leaves spoils nothing for the next one", recovers, has_hooks),
)
