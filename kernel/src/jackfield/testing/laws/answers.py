"""A plugin's own answer is bytes, whole or streamed as the request asked."""

from collections.abc import Iterator

from jackfield.response import Response
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.stage import Stage, stage


async def answers_in_kind(subject: Subject) -> None:
    """Check each response that one of its hooks returns."""
    for stream in (False, True):
        async with stage(subject) as on:
            answer = await on.say(stream=stream)
            problems = [*_problems(on, stream=stream)]
            if problems:
                await answer.disconnect()
                raise LawBrokenError(problems[0])
            async for data in answer.batches():
                if not isinstance(data, bytes):
                    raise LawBrokenError(f"its stream gave {type(data).__name__}, not bytes")


def _problems(on: Stage, *, stream: bool) -> Iterator[str]:
    for call in on.probe.calls:
        body = call.result.body if isinstance(call.result, Response) else b""
        if isinstance(body, bytes):
            continue
        if not hasattr(body, "__anext__"):
            kind = type(body).__name__
            yield f"its {call.hook} answered with a {kind}; a body is bytes, or an async iterator"
        elif not stream:
            yield f"its {call.hook} answered with a stream, and none was asked for"


ANSWERS = (
    Law("answers-in-kind", "an answer is bytes, or a stream of them", answers_in_kind, has_hooks),
)
