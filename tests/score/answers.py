"""Every recorded answer, put into each client's dialect and read with that client's own SDK."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from attrs import evolve, frozen
from msgspec.structs import replace

from jackfield.dialects import Dialect, installed
from jackfield.errors import GatewayError
from jackfield.events import Ended, Failed, StreamEvent
from jackfield.messages import ChatRequest, Message, Text

from .answer import Answer
from .expectation import expected
from .readers import anthropic, chat, google, responses
from .traffic import Recorded


class Reader(Protocol):
    """Reads answers of a dialect, with the SDK of a client."""

    DIALECT: str

    def read(self, body: bytes) -> Answer:
        """A whole answer."""

    def read_stream(self, wire: bytes) -> Answer:
        """A stream, put together as the SDK does."""


CLIENTS: dict[str, Reader] = {
    "chat": chat,
    "responses": responses,
    "anthropic": anthropic,
    "gemini": google,
}
PLAIN = ChatRequest("m", (Message("user", (Text("Hi"),)),), include_usage=True)


@frozen
class Miss:
    """A part of an answer that a client does not receive as it was recorded."""

    id: str
    feature: str
    detail: str
    losses: tuple[str, ...] = ()


@frozen
class Delivered:
    """What a client gets, and the losses of it that are named."""

    body: bytes
    losses: tuple[str, ...] = ()


class StreamBroken(Exception):
    """The stream ends in an error, as a client would see it."""


@frozen
class Comparison:
    """What a client did not receive, and the losses that are named."""

    misses: list[Miss]
    losses: tuple[str, ...] = ()


def score(recorded: Recorded, client: str) -> list[Miss]:
    """What one client does not receive of one recorded answer, which comes all at once."""
    return compared(recorded, CLIENTS[client]).misses


def compared(recorded: Recorded, reader: Reader) -> Comparison:
    """The same for whatever can read answers."""
    try:
        delivered = deliver(recorded, installed(reader.DIALECT))
        answer = (reader.read_stream if recorded.streams else reader.read)(delivered.body)
    except StreamBroken as error:
        if recorded.exchange.expect.get("stream_error"):
            return Comparison([])
        return Comparison([Miss(recorded.id, "crash", f"{error}")])
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is a miss like any other
        return Comparison([Miss(recorded.id, "crash", f"{type(error).__name__}: {error}"[:200])])
    wanted = expected(recorded)
    if recorded.name == reader.DIALECT:  # what may be odd about it is its vendor's
        answer = evolve(answer, problems=())
        if wanted.calls and answer.finish == "stop":  # so OpenAI ends a call that it had to make
            wanted = evolve(wanted, finish="stop")
    missed = _differences(wanted, answer, recorded, delivered.losses)
    return Comparison(list(missed), delivered.losses)


def deliver(recorded: Recorded, target: Dialect) -> Delivered:
    """The answer as it is rendered for a client; untouched where the dialect is the client's."""
    source = recorded.dialect
    if source is target:
        return Delivered(_completed(recorded))
    request = request_for(recorded, target)
    if not recorded.streams:
        rendered = target.render_response(source.parse_response(recorded.body), request)
        return Delivered(rendered.body, tuple(loss.feature for loss in rendered.losses))
    renderer = target.stream_renderer(request)
    wire = [renderer.render(event) for event in canonical(source, recorded.body)]
    return Delivered(b"".join(wire), tuple(loss.feature for loss in renderer.losses))


def request_for(recorded: Recorded, target: Dialect) -> ChatRequest:
    """The request that a client of the target's dialect would have sent."""
    sent = PLAIN
    try:
        request = recorded.dialect.parse_request(recorded.exchange.request_tree, recorded.params)
        body = target.render_request(request).body
        there = target.parse_request(msgspec.json.decode(body), recorded.params)
        sent = there if isinstance(there, ChatRequest) else PLAIN
    except GatewayError:
        pass  # the answer counts here, not the request
    return replace(sent, stream=recorded.streams, include_usage=True)


def canonical(source: Dialect, body: bytes) -> Iterator[StreamEvent]:
    """The canonical events of a recorded stream. Raises StreamBroken where it ends in an error."""
    parser, ended = source.stream_parser(), False
    for event in wire_events(source, body, 0):
        for one in parser.feed(event):
            if isinstance(one, Failed):
                raise StreamBroken(one.message)
            ended = ended or isinstance(one, Ended)
            yield one
    for one in parser.close():
        ended = ended or isinstance(one, Ended)
        yield one
    if not ended:
        yield Ended()


def wire_events(source: Dialect, body: bytes, size: int) -> list[bytes]:
    """The events of a stream that arrives in pieces of some size; 0 is all at once."""
    framer = source.framing.framer()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    events = [event for piece in pieces for event in source.framing.split(framer.feed(piece))]
    return events + source.framing.split(source.framing.completed(framer.held))


def _completed(recorded: Recorded) -> bytes:
    if not recorded.streams:
        return recorded.body
    return b"".join(wire_events(recorded.dialect, recorded.body, 0))


def of_cuts(recorded: Recorded, cuts: Sequence[int]) -> Iterator[Miss]:
    """Whether a stream says something else when it comes in pieces; all else follows from it."""
    whole = _event_data(recorded, 0)
    for size in cuts:
        if size and _event_data(recorded, size) != whole:
            yield Miss(recorded.id, "cuts", f"pieces of {size} bytes make other events")


def _event_data(recorded: Recorded, size: int) -> list[bytes]:
    """What the events carry; between them an empty line may go to either."""
    events = wire_events(recorded.dialect, recorded.body, size)
    return [data for data in map(recorded.dialect.framing.data_of, events) if data is not None]


def _alike(one: str, other: str) -> bool:
    """Whether two thoughts say the same, however their parts are set apart."""
    return "".join(one.split()) == "".join(other.split())


def _differences(
    wanted: Answer, answer: Answer, recorded: Recorded, losses: tuple[str, ...]
) -> Iterator[Miss]:
    for feature in ("text", "reasoning", "calls"):
        want, found = getattr(wanted, feature), getattr(answer, feature)
        if want != found and (feature != "reasoning" or not _alike(want, found)):
            detail = f"wanted {want!r:.120}, found {found!r:.120}"
            yield Miss(recorded.id, feature, detail, losses)
    if wanted.finish is not None and wanted.finish != answer.finish:
        detail = f"wanted {wanted.finish}, found {answer.finish}"
        yield Miss(recorded.id, "finish", detail, losses)
    for name in {**wanted.usage, **(answer.usage if wanted.usage else {})}:
        want = wanted.usage.get(name, 0)
        if want != answer.usage.get(name, 0):
            detail = f"wanted {want}, found {answer.usage.get(name, 0)}"
            yield Miss(recorded.id, f"usage.{name}", detail, losses)
    for problem in dict.fromkeys(answer.problems):
        yield Miss(recorded.id, "form", problem, losses)
