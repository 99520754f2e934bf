"""What must hold of every recorded exchange, when it is read and written by its own dialect."""

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from jackfield.dialects import Dialect, UpstreamFailure
from jackfield.events import Failed, StreamEvent, UsageReported
from jackfield.messages import ChatResponse, Usage

from .answer_content import AnswerContent, content_of, content_of_events, last_usage, tokens_of
from .law import LawBrokenError
from .recorded_law import Case, Plain, RecordedLaw, events_of, json_difference, no_losses

CUTS: Final = (1, 7)
"""Into pieces of how many bytes a stream is cut."""


def requests_come_back(case: Case) -> None:
    """Parsed and rendered it is the same to the letter, and `peek` finds its model."""
    recorded, dialect = case.recorded, case.dialect
    request = dialect.parse_request(recorded.request, recorded.params)
    written = dialect.render_request(request)
    no_losses(written.losses)
    _check_same(written.body, recorded.request, case.plain_request)
    peeked = case.declared.peek(recorded.request, recorded.params).model
    if peeked != (recorded.request.get("model") or recorded.params.get("model")):
        raise LawBrokenError(f"its peek finds the model {peeked!r}")


def answers_come_back(case: Case) -> None:
    """The same for answers."""
    answer = case.dialect.parse_response(case.recorded.answer)
    written = case.dialect.render_response(answer, case.canonical_request())
    no_losses(written.losses)
    _check_same(written.body, json.loads(case.recorded.answer), case.plain_answer)


def answers_are_understood(case: Case) -> None:
    """It agrees with the independent reading; its usage is the same however it is read."""
    body, dialect = case.recorded.answer, case.dialect
    answer = dialect.parse_response(body)
    usage = dialect.usage(body)
    if usage != dialect.usage_beside(answer, body):
        raise LawBrokenError(f"beside the answer the usage {usage} is another")
    _check_counts(usage, getattr(answer, "usage", None))
    if isinstance(answer, ChatResponse):
        _check_content(case, content_of(answer))


def streams_are_understood(case: Case) -> None:
    """The same for streams, however their bytes arrive."""
    events = case.events()
    for size in CUTS:
        if case.events(size) != events:
            raise LawBrokenError(f"in pieces of {size} bytes it has other events")
    _check_content(case, content_of_events(events))
    if not _failed(events):
        meter = case.dialect.usage_meter()
        for wire in case.wires():
            meter.feed(wire)
        _check_counts(meter.usage(), last_usage(events))


def streams_come_back(case: Case) -> None:
    """Read and written it has the same events; written once more the same bytes."""
    events, request = case.events(), case.canonical_request()
    first, second = (case.dialect.stream_renderer(request) for _ in range(2))
    written = b"".join(map(first.render, events))
    no_losses(first.losses)
    again = events_of(case.dialect, written)
    for found, wanted in zip_longest(_comparable(again), _comparable(events)):
        if found != wanted:
            raise LawBrokenError(f"{wanted} is now {found}")
    if b"".join(map(second.render, again)) != written:
        raise LawBrokenError("written once more it has other bytes")


def streams_end(case: Case) -> None:
    """One event ends it, which holds one of the hints; or none, if another says it is complete."""
    dialect, wires = case.dialect, case.wires()
    ends = {wire: mark for wire in wires if (mark := dialect.terminal(wire))}
    marks, wanted = list(ends.values()), "error" if _failed(case.events()) else "end"
    if marks[:1] not in ([wanted], []) or (wanted == "end" and len(marks) > 1):
        raise LawBrokenError(f"it ends in {ends}")
    for end in ends:
        if not any(hint in end for hint in dialect.terminal_hints):
            raise LawBrokenError(f"{end!r} holds none of its terminal_hints")
    if not marks and type(dialect).finishes is Dialect.finishes:
        raise LawBrokenError("no event ends it")


def streams_finish(case: Case) -> None:
    """Where a dialect can tell that an answer is complete without its end, it does."""
    if not any(map(case.dialect.finishes, case.wires())):
        raise LawBrokenError("no event says that it is complete")


def errors_are_understood(case: Case) -> None:
    """It keeps its message and, where that is known, its type and its code."""
    parsed = case.dialect.parse_error(case.recorded.status, case.recorded.answer)
    for name in ("message", "type", "code"):
        expected, read = getattr(case.recorded.expected, name), getattr(parsed, name)
        if expected is not None and expected != read:
            raise LawBrokenError(f"the {name} {expected!r} is read as {read!r}")


def _has_request(case: Case) -> bool:
    return case.recorded.request is not None and case.dialect.translates


def _is_whole(case: Case) -> bool:
    return case.recorded.status < 400 and case.dialect.translates and not case.recorded.streams


def _streams(case: Case) -> bool:
    return case.recorded.status < 400 and case.dialect.translates and case.recorded.streams


def _fails(case: Case) -> bool:
    return isinstance(case.recorded.expected, UpstreamFailure)


LAWS: Final = (
    RecordedLaw(
        "requests-come-back",
        "A request that is read and written is the same.",
        _has_request,
        requests_come_back,
    ),
    RecordedLaw(
        "answers-come-back",
        "An answer that is read and written is the same.",
        _is_whole,
        answers_come_back,
    ),
    RecordedLaw(
        "answers-are-understood",
        "An answer is read with its content and its usage.",
        _is_whole,
        answers_are_understood,
    ),
    RecordedLaw(
        "streams-are-understood",
        "A stream is read with its content and its usage, however it is cut.",
        _streams,
        streams_are_understood,
    ),
    RecordedLaw(
        "streams-come-back",
        "A stream that is read and written has the same events.",
        _streams,
        streams_come_back,
    ),
    RecordedLaw(
        "streams-end",
        "A stream ends once, or has no end marker.",
        _streams,
        streams_end,
    ),
    RecordedLaw(
        "streams-finish",
        "An event says that the answer is complete.",
        lambda case: _streams(case) and type(case.dialect).finishes is not Dialect.finishes,
        streams_finish,
    ),
    RecordedLaw(
        "errors-are-understood",
        "An error keeps its message.",
        _fails,
        errors_are_understood,
    ),
)
"""The laws, in the order in which they are tried."""


def _check_same(written: bytes, recorded: Any, plain: Plain) -> None:
    if place := json_difference(plain(json.loads(written)), plain(recorded)):
        raise LawBrokenError(place)


def _check_counts(metered: Usage | None, parsed: Usage | None) -> None:
    """Only tokens are compared: `usage` and a meter may find more, or in another place."""
    if tokens_of(metered) != tokens_of(parsed):
        raise LawBrokenError(f"the usage {parsed} of the parsed answer is metered as {metered}")


def _check_content(case: Case, found: AnswerContent) -> None:
    expected = case.recorded.expected
    if isinstance(expected, AnswerContent) and (differences := list(expected.differences(found))):
        raise LawBrokenError("; ".join(differences))


def _failed(events: Sequence[StreamEvent]) -> bool:
    return any(isinstance(event, Failed) for event in events)


def _comparable(events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """The events with only the last report of usage, wherever it is.

    Failures are compared by message and code.
    """
    found: list[StreamEvent] = []
    for event in events:
        if isinstance(event, Failed):
            found.append(Failed(event.message, code=event.code))
        elif not isinstance(event, UsageReported):
            found.append(event)
    usage = last_usage(events)
    return found if usage is None else [*found, UsageReported(usage)]
