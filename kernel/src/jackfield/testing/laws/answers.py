"""A plugin's own answer is bytes, whole or streamed as the request asked."""

from collections.abc import Iterator

from jackfield.errors import GatewayError
from jackfield.response import Response
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks


async def answers_in_kind(subject: Subject) -> None:
    """Check each response that one of its hooks returns."""
    for stream in (False, True):
        async with run_harness(subject) as harness:
            answer = await harness.start_chat(stream=stream)
            problems = [*_problems(harness, stream=stream)]
            if problems:
                await answer.disconnect()
                raise LawBrokenError(problems[0])
            await answer.read()
            error = (await harness.settled()).outcome.error
            if error is not None and error.code == GatewayError.code:
                raise LawBrokenError("its stream raised, or yielded something that is no bytes")


def _problems(harness: Harness, *, stream: bool) -> Iterator[str]:
    for call in harness.probe.calls:
        if isinstance(call.error, TypeError):
            yield f"its {call.hook} raised {call.error!r}"
        elif isinstance(call.result, Response) and call.result.streaming and not stream:
            yield f"its {call.hook} answered with a stream, and none was asked for"


ANSWERS = (
    Law("answers-in-kind", "an answer is bytes, or a stream of them", answers_in_kind, has_hooks),
)
