"""The laws for every dialect, checked with samples of its traffic."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any, Final

import msgspec

from jackfield.dialects import Dialect, Loss
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from jackfield.messages import Usage

from .dialect_errors import ERRORS_COME_BACK
from .dialect_law import DialectLaw, Samples, difference, raises_nothing, raises_only
from .dialect_losses import LOSSES_ARE_NAMED
from .dialect_model import MODELS_ARE_REPLACED
from .dialect_tools import TOOL_NAMES_COME_BACK
from .law import LawBrokenError
from .spoiled import spoiled

CUTS: Final = 60
"""How many times a stream is split at random places."""

CORRUPTIONS: Final = 1_000
"""In how many ways each sample is corrupted."""


DELTAS: Final = (TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta)


def requests_come_back(samples: Samples) -> None:
    """Parsed, rendered and parsed again it is the same; rendered again, so are its bytes."""
    dialect = samples.dialect
    for tree in samples.requests:
        request = dialect.parse_request(tree, samples.params)
        written = dialect.render_request(request)
        again = dialect.parse_request(msgspec.json.decode(written.body), samples.params)
        _check_same(again, request, written.losses, tree)
        _check_stable(dialect.render_request(again).body, written.body)


def answers_come_back(samples: Samples) -> None:
    """The same for answers."""
    dialect, request = samples.dialect, samples.canonical_request()
    for tree in samples.answers:
        answer = dialect.parse_response(msgspec.json.encode(tree))
        written = dialect.render_response(answer, request)
        again = dialect.parse_response(written.body)
        _check_same(again, answer, written.losses, tree)
        _check_stable(dialect.render_response(again, request).body, written.body)


def streams_come_back(samples: Samples) -> None:
    """The same for streams."""
    dialect, request = samples.dialect, samples.canonical_request()
    for wire in samples.streams:
        events, _ = _read(dialect, [wire])
        renderer = dialect.stream_renderer(request)
        written = b"".join(map(renderer.render, events))
        again, _ = _read(dialect, [written])
        found, wanted = map(_without_empty_deltas, (again, events))
        _check_same(found, wanted, renderer.losses, wire)


def cuts_change_nothing(samples: Samples) -> None:
    """Streams are cut byte by byte, and at random places."""
    for wire in samples.streams:
        whole = _read(samples.dialect, [wire])
        for pieces in _cut(wire):
            if _read(samples.dialect, pieces) != whole:
                raise LawBrokenError(f"{pieces!r} are read as something else than {wire!r}")


def ends_are_marked(samples: Samples) -> None:
    """The last event ends the stream, and no other does."""
    dialect = samples.dialect
    for wire in samples.streams:
        events = dialect.framing.split(dialect.framing.framer().feed(wire))
        ends = [at for at, event in enumerate(events) if dialect.terminal(event)]
        if ends != [len(events) - 1] and (ends or not any(map(dialect.finishes, events))):
            raise LawBrokenError(f"{wire!r} ends with its events {ends} of {len(events)}")
        for at in ends:
            if not any(hint in events[at] for hint in dialect.terminal_hints):
                raise LawBrokenError(f"{events[at]!r} holds none of its terminal_hints")


def odd_requests_are_refused(samples: Samples) -> None:
    """An invalid request raises InvalidRequest."""
    dialect = samples.dialect

    def read(tree: Any) -> None:
        dialect.peek(tree, samples.params)
        dialect.render_request(dialect.parse_request(tree, samples.params))

    _fuzz(read, samples.requests, InvalidRequest)


def odd_answers_are_refused(samples: Samples) -> None:
    """An invalid answer raises ValueError; any error body can be parsed."""
    dialect, request = samples.dialect, samples.canonical_request()

    def read(tree: Any) -> None:
        body = msgspec.json.encode(tree)
        with raises_nothing(tree):
            dialect.parse_error(500, body)
            dialect.is_error(tree)
        dialect.usage(body)
        answer = dialect.parse_response(body)
        dialect.usage_beside(answer, body)
        dialect.render_response(answer, request)

    _fuzz(read, samples.answers, ValueError)


def odd_events_break_off(samples: Samples) -> None:
    """An invalid event raises ProviderError, in any order; methods that only look never raise."""
    dialect, framing, random = samples.dialect, samples.dialect.framing, _seeded_random()
    for wire in samples.streams:
        events = framing.split(framing.framer().feed(wire))
        for _ in range(CORRUPTIONS):
            order = events if random.random() < 0.5 else random.choices(events, k=len(events))
            at = random.randrange(len(order))
            corrupt = _corrupted_event(dialect, order[at], random)
            with raises_nothing(corrupt):
                _inspect(dialect, corrupt)
            with raises_only(ProviderError, corrupt):
                _translate(samples, [*order[:at], corrupt, *order[at + 1 :]])


LAWS: Final = (
    DialectLaw(
        "requests-come-back",
        "A request that is read and written says the same, without a loss.",
        "requests",
        requests_come_back,
    ),
    LOSSES_ARE_NAMED,
    TOOL_NAMES_COME_BACK,
    MODELS_ARE_REPLACED,
    ERRORS_COME_BACK,
    DialectLaw(
        "odd-requests",
        "What is no request raises InvalidRequest, and nothing else.",
        "requests",
        odd_requests_are_refused,
    ),
    DialectLaw(
        "answers-come-back",
        "An answer that is read and written says the same, without a loss.",
        "answers",
        answers_come_back,
    ),
    DialectLaw(
        "odd-answers",
        "What is no answer raises ValueError, and nothing else; parse_error never raises.",
        "answers",
        odd_answers_are_refused,
    ),
    DialectLaw(
        "streams-come-back",
        "A stream that is read and written says the same, without a loss.",
        "streams",
        streams_come_back,
    ),
    DialectLaw(
        "cuts-change-nothing",
        "A stream says the same however its bytes arrive.",
        "streams",
        cuts_change_nothing,
    ),
    DialectLaw(
        "ends-are-marked",
        "A stream ends with its last event, which holds one of the terminal_hints, and no other.",
        "streams",
        ends_are_marked,
    ),
    DialectLaw(
        "odd-events",
        "What is no event raises ProviderError, and nothing else; who only looks never raises.",
        "streams",
        odd_events_break_off,
    ),
)
"""The laws, in the order in which they are tried."""


def _read(dialect: Dialect, pieces: Sequence[bytes]) -> tuple[list[StreamEvent], Usage | None]:
    framer, parser, meter = dialect.framing.framer(), dialect.stream_parser(), dialect.usage_meter()
    found: list[StreamEvent] = []
    for piece in pieces:
        events = framer.feed(piece)
        if events:
            meter.feed(events)
        for event in dialect.framing.split(events) if events else ():
            found += parser.feed(event)
    return [*found, *parser.close()], meter.usage()


def _without_empty_deltas(events: Sequence[StreamEvent]) -> tuple[StreamEvent, ...]:
    """The events without empty deltas, with which some vendors begin a part."""
    return tuple(
        event
        for event in events
        if not isinstance(event, DELTAS)
        or difference(event, type(event)(event.part, "", choice=event.choice), "")
    )


def _cut(wire: bytes) -> Iterator[list[bytes]]:
    yield [wire[at : at + 1] for at in range(len(wire))]
    random = _seeded_random()
    for _ in range(CUTS):
        cuts = sorted(random.randrange(len(wire) + 1) for _ in range(random.randint(1, 9)))
        yield [wire[a:b] for a, b in pairwise([0, *cuts, len(wire)])]


def _corrupted_event(dialect: Dialect, event: bytes, random: Random) -> bytes:
    data = dialect.framing.data_of(event)
    try:
        tree = msgspec.json.decode(data or b"")
    except msgspec.DecodeError:
        return event
    return dialect.framing.with_data(event, msgspec.json.encode(spoiled(tree, random)))


def _inspect(dialect: Dialect, event: bytes) -> None:
    """Everything that is done with an event before it is trusted."""
    meter = dialect.usage_meter()
    meter.feed(event)
    meter.usage()
    dialect.terminal(event)
    dialect.finishes(event)
    dialect.event_data(event)
    dialect.is_usage_event(event)


def _translate(samples: Samples, events: Sequence[bytes]) -> None:
    parser = samples.dialect.stream_parser()
    renderer = samples.dialect.stream_renderer(samples.canonical_request())
    for event in events:
        for found in parser.feed(event):
            renderer.render(found)


def _fuzz(read: Callable[[Any], None], trees: Sequence[Any], expected: type[Exception]) -> None:
    random = _seeded_random()
    for tree in trees:
        read(tree)
        for _ in range(CORRUPTIONS):
            corrupt = tree
            for _ in range(random.randint(1, 3)):
                corrupt = spoiled(corrupt, random)
            with raises_only(expected, corrupt):
                read(corrupt)


def _seeded_random() -> Random:
    return Random(7)  # noqa: S311 - the same each time


def _check_same(found: Any, wanted: Any, losses: Sequence[Loss], sample: Any) -> None:
    if losses:
        raise LawBrokenError(f"of {sample!r} it loses {', '.join(map(str, losses))}")
    if place := difference(found, wanted, ""):
        raise LawBrokenError(f"of {sample!r} it makes another {place}")


def _check_stable(found: bytes, wanted: bytes) -> None:
    if msgspec.json.decode(found) != msgspec.json.decode(wanted):
        raise LawBrokenError(f"{wanted!r} is written as {found!r} the second time")
