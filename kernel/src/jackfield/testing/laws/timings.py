"""The seventh law: the time that a plugin takes is measured and shown."""

from jackfield._answer_head import SHOWN_SECONDS
from jackfield.testing.harness import run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks


async def is_timed(subject: Subject) -> None:
    """It is in the timings of an exchange and in Server-Timing."""
    for stream in (False, True):
        async with run_harness(subject) as harness:
            answer = await harness.read(stream=stream)
            exchange = (await harness.settled()).exchange
            position = harness.gateway.chain.plugins.index(harness.plugin)
            timings = exchange.timings
            if len(timings) != len(harness.gateway.chain.plugins) or min(timings) < 0:
                raise LawBrokenError("it has tampered with the timings of the exchange")
            if harness.probe.calls and not timings[position]:
                raise LawBrokenError("its time was not recorded")
            shown = f"{subject.name};dur=" in answer.headers.get("server-timing", "")
            if not stream and timings[position] >= SHOWN_SECONDS and not shown:
                raise LawBrokenError("Server-Timing does not show it")


TIMINGS = (Law("timed", "the time of every hook call is recorded", is_timed, has_hooks),)
