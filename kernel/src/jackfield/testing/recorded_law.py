"""A law of recorded traffic: a sentence, and a way to see whether a dialect keeps it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen
from msgspec.structs import replace

from jackfield.dialects import CanonicalRequest, Dialect, Loss, UpstreamFailure
from jackfield.events import StreamEvent
from jackfield.messages import ChatRequest, Message, Text

from .answer_content import AnswerContent
from .law import LawBrokenError

Plain = Callable[[Any], Any]
"""Makes equal what means the same to the vendor."""

HELLO: Final = ChatRequest("m", (Message("user", (Text("Hello"),)),))


@frozen
class Recorded:
    """One exchange with a provider, as it was recorded.

    `request` is the JSON of its body, None where that is none. `answer` is the body of the answer,
    byte for byte; of a stream if it `streams`. `params` are the parts of the path. `expected` is an
    independent reading of the answer.
    """

    id: str
    request: Any
    answer: bytes
    status: int = 200
    streams: bool = False
    params: Mapping[str, str] = field(factory=dict)
    expected: AnswerContent | UpstreamFailure | None = None


@frozen
class Case:
    """An exchange, and the dialect that its path asks for."""

    declared: Dialect
    recorded: Recorded
    plain_request: Plain
    plain_answer: Plain

    @property
    def dialect(self) -> Dialect:
        """The variant in which it was recorded."""
        return self.declared.variant(self.recorded.params)

    def canonical_request(self) -> CanonicalRequest:
        """The request that the answer is for; a stream reports its usage."""
        if self.recorded.request is None:
            return replace(HELLO, stream=self.recorded.streams, include_usage=True)
        request = self.dialect.parse_request(self.recorded.request, self.recorded.params)
        if not isinstance(request, ChatRequest):
            return request
        return replace(request, stream=self.recorded.streams, include_usage=True)

    def wires(self, size: int = 0) -> list[bytes]:
        """The events of the stream, as it arrives in pieces of `size` bytes; 0 is all at once."""
        return wires(self.dialect, self.recorded.answer, size)

    def events(self, size: int = 0) -> list[StreamEvent]:
        """What the dialect reads in them."""
        return events_of(self.dialect, self.recorded.answer, size)


@frozen
class RecordedLaw:
    """`id` names it in a test's id, `statement` is the sentence that a failure shows."""

    id: str
    statement: str
    binds: Callable[[Case], bool]
    check: Callable[[Case], None]

    def hold(self, case: Case) -> None:
        """Check the dialect. Raises LawBrokenError, which says what it did."""
        __tracebackhide__ = True
        try:
            self.check(case)
        except LawBrokenError as broken:
            tried = f"{case.dialect.name!r} and {case.recorded.id}"
            raise LawBrokenError(f"{self.id}: {self.statement}\n{tried}: {broken}") from None


def wires(dialect: Dialect, stream: bytes, size: int = 0) -> list[bytes]:
    """The events of a stream that arrives in pieces of `size` bytes; 0 is all at once."""
    framing, framer = dialect.framing, dialect.framing.framer()
    batches = [framer.feed(piece) for piece in cut(stream, size)]
    batches.append(framing.completed(framer.held))
    return [event for batch in batches if batch for event in framing.split(batch)]


def events_of(dialect: Dialect, stream: bytes, size: int = 0) -> list[StreamEvent]:
    """The canonical events of such a stream."""
    parser = dialect.stream_parser()
    found = [event for wire in wires(dialect, stream, size) for event in parser.feed(wire)]
    return [*found, *parser.close()]


def cut(body: bytes, size: int) -> list[bytes]:
    """A body in pieces of `size` bytes; 0 is all at once."""
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def json_difference(found: Any, wanted: Any, where: str = "") -> str | None:
    """The first place in which two JSON values differ; an integer is not like a fraction."""
    return next(_json_differences(found, wanted, where), None)


def _json_differences(found: Any, wanted: Any, where: str) -> Iterator[str]:
    match found, wanted:
        case dict(), dict():
            for name in {**wanted, **found}:
                pair = found.get(name, "nothing"), wanted.get(name, "nothing")
                yield from _json_differences(*pair, f"{where}.{name}")
        case list(), list() if len(found) == len(wanted):
            for at, pair in enumerate(zip(found, wanted, strict=True)):
                yield from _json_differences(*pair, f"{where}[{at}]")
        case _ if found != wanted or type(found) is not type(wanted):
            shown = f"{json.dumps(wanted):.300} is now {json.dumps(found):.300}"
            yield f"{where.lstrip('.') or 'the body'}: {shown}"


def no_losses(losses: "tuple[Loss, ...] | list[Loss]") -> None:
    """Raises LawBrokenError when anything is lost."""
    if losses:
        raise LawBrokenError(f"it loses {', '.join(map(str, losses))}")
