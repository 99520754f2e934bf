"""A plugin's own answer is bytes, whole or streamed as the request asked, and has an end."""

from collections.abc import Iterator

from jackfield import sse
from jackfield.errors import GatewayError
from jackfield.response import Response
from jackfield.testing.dialect import TESTING_CHAT
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
            body = await answer.read()
            outcome = (await harness.settled()).outcome
            if outcome.error is not None and outcome.error.code == GatewayError.code:
                raise LawBrokenError("its stream raised, or yielded something that is no bytes")
            if answer.streaming and outcome.kind == "answered" and not _has_an_end(body):
                raise LawBrokenError("its stream ended without the event that says so")


def _problems(harness: Harness, *, stream: bool) -> Iterator[str]:
    for call in harness.probe.calls:
        if isinstance(call.error, TypeError):
            yield f"its {call.hook} raised {call.error!r}"
        elif isinstance(call.result, Response) and call.result.streaming and not stream:
            yield f"its {call.hook} answered with a stream, and none was asked for"
        elif isinstance(call.result, Response) and stream and _is_whole(call.result):
            yield f"its {call.hook} answered a request for a stream with a whole answer"


def _is_whole(response: Response) -> bool:
    return response.status < 300 and not response.streaming


def _has_an_end(stream: bytes) -> bool:
    events = sse.split(stream)
    return bool(events) and TESTING_CHAT.terminal(events[-1]) == "end"


ANSWERS = (
    Law("answers-in-kind", "an answer is bytes, or a stream of them", answers_in_kind, has_hooks),
)
