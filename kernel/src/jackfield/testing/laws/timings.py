"""The seventh law: the time that a plugin takes is measured and shown."""

from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.stage import stage


async def is_timed(subject: Subject) -> None:
    """It is in the timings of an exchange and in Server-Timing."""
    for stream in (False, True):
        async with stage(subject) as on:
            answer = await on.read(stream=stream)
            exchange = (await on.settled()).exchange
            position = on.gateway.chain.plugins.index(on.plugin)
            timings = exchange.timings
            if len(timings) != len(on.gateway.chain.plugins) or min(timings) < 0:
                raise LawBrokenError("it has tampered with the timings of the exchange")
            if on.probe.calls and not timings[position]:
                raise LawBrokenError("its time was not recorded")
            early = [call for call in on.probe.calls if call.hook != "on_stream_chunk"]
            shown = f"{subject.name};dur=" in answer.headers.get("server-timing", "")
            if not stream and early and not shown:
                raise LawBrokenError("Server-Timing does not show it")


TIMINGS = (Law("timed", "the time of every hook call is recorded", is_timed, has_hooks),)
