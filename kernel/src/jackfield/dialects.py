"""A dialect is one wire protocol, written once and used as front door and as back door.

A vendor's plugin subclasses `Dialect` for each of its protocols. Instances hold no state of a
request, so one serves all.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from jackfield import json_spans
from jackfield._entry_points import declared
from jackfield.errors import ConfigError, GatewayError
from jackfield.events import StreamEvent
from jackfield.framing import SSE, Framing
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    EmbeddingsRequest,
    EmbeddingsResponse,
    RerankRequest,
    RerankResponse,
    TokenCount,
    Usage,
)

CanonicalRequest = ChatRequest | EmbeddingsRequest | RerankRequest
CanonicalResponse = ChatResponse | EmbeddingsResponse | RerankResponse | TokenCount
Canonical = Literal["chat", "embeddings", "rerank", "count_tokens"]
GROUP = "jackfield.dialects"


class Peek(msgspec.Struct, frozen=True):
    """What the kernel must know of a request before anything else."""

    model: str | None
    stream: bool = False
    max_tokens: int | None = None


class Loss(msgspec.Struct, frozen=True):
    """Something the target's dialect cannot express.

    `feature` is a stable dotted name for tables and headers ("tools.custom"); `path` is where it
    stands in the canonical form; `how` says what became of it.
    """

    feature: str
    path: str
    how: Literal["dropped", "approximated"]
    detail: str = ""
    breaks: bool = False
    """Without it another question would be asked: refused, whatever `on_loss` says."""

    def __str__(self) -> str:
        return f"{self.feature} {self.how}" + (f": {self.detail}" if self.detail else "")


class Rendered(msgspec.Struct, frozen=True):
    """Bytes in a dialect, and what did not fit into them."""

    body: bytes
    losses: tuple[Loss, ...] = ()


class UpstreamFailure(msgspec.Struct, frozen=True):
    """What a provider's error says; `retry_after` is in seconds.

    `status` is the one that an answer with such an error would have, for an error in a stream.
    """

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    status: int | None = None


Terminal = Literal["end", "error"]


class StreamParser(Protocol):
    """Turns the events of one stream, each whole and in wire form, into canonical events."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events that one wire event holds."""

    def close(self) -> Sequence[StreamEvent]:
        """What is still owed at a clean end of the connection."""


class StreamRenderer(Protocol):
    """Turns canonical events into one stream's wire form."""

    losses: list[Loss]

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty when it has none."""


class UsageMeter(Protocol):
    """Keeps what of a stream tells its usage, and reads it only when asked."""

    def feed(self, events: bytes) -> None:
        """Look at whole events in wire form. Called for every batch: must be cheap."""

    def usage(self) -> Usage | None:
        """The usage seen last, or None."""


class Dialect:
    """One wire protocol.

    A dialect with `translates = False` is only ever passed through; the canonical methods of such
    a dialect are never called. The `*_texts` name JSON paths with `*` for any element: what
    `texts()` of a request, response or event iterates over.
    """

    name: ClassVar[str]
    operation: ClassVar[str]
    translates: ClassVar[bool] = True
    canonical: ClassVar[Canonical] = "chat"
    """Which canonical form it has; dialects of the same form translate into each other.

    Counting tokens takes the request of a chat and answers with a `TokenCount`.
    """

    needs_max_tokens: ClassVar[bool] = False
    """Whether a request must say how long its answer may be."""

    output_limit: ClassVar[json_spans.Path] = ()
    """Where a request says how long its answer may be; empty where it cannot."""

    usage_switch: ClassVar[json_spans.Path] = ()
    """The member that asks a stream to tell its usage, where it does so only when asked."""

    most_inputs: ClassVar[int | None] = None
    """How many texts one request for vectors may have; more are spread over several requests."""

    image_urls: ClassVar[bool] = True
    """Whether an image may stand in a request by its web address; else it gets the bytes."""

    document_urls: ClassVar[bool] = True
    """The same for documents."""

    reads_json: ClassVar[bool] = True
    """Whether a body that is said to be JSON is read; not where it is a part of a caller's file."""

    framing: Framing = SSE
    request_texts: ClassVar[tuple[str, ...]] = ()
    response_texts: ClassVar[tuple[str, ...]] = ()
    event_texts: ClassVar[tuple[str, ...]] = ()
    terminal_hints: ClassVar[tuple[bytes, ...]] = ()
    """Byte strings of which every event that ends a stream holds at least one."""

    stop_marker: ClassVar[bytes] = b""
    """The event that ends a stream which a plugin has cut short, if the dialect has one."""

    def variant(self, params: Mapping[str, str]) -> "Dialect":
        """The dialect in the form that a path or a query asks for, such as another framing."""
        return self

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Model, stream flag and output limit of a request's JSON and its path parameters.

        Raises InvalidRequest, naming the field, when one of them has a wrong type.
        """
        raise NotImplementedError

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        """The same for a body that is not JSON, such as a multipart form."""
        return Peek(None)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        """The body with another model's name put in place; every other byte stays."""
        return json_spans.splice(body, ("model",), new, known=old)

    def output_limit_in(self, tree: Any) -> json_spans.Path:
        """The same for a request that may have it under another name."""
        return self.output_limit

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON that one wire event carries, or None."""
        return self.framing.data_of(event)

    def terminal(self, event: bytes) -> Terminal | None:
        """Whether this whole event ends the stream, well or in an error."""
        raise NotImplementedError

    def finishes(self, event: bytes) -> bool:
        """Whether this event says that the answer is complete although no marker has come yet.

        Some providers leave the marker out; then this and a properly framed end must do.
        """
        return False

    def tells_usage_alone(self, event: bytes) -> bool:
        """Whether this event is there only because of the `usage_switch`."""
        return False

    def usage(self, body: bytes) -> Usage | None:
        """The usage that a complete response reports, or None.

        Raises ValueError when the body is no response of this dialect: not JSON, an error in
        disguise, without what every answer has.
        """
        raise NotImplementedError

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        """What `usage` reads in the body of a parsed response, if need be without reading it again.

        A response's own usage is what its client is shown, and may be less.
        """
        return self.usage(body)

    def usage_meter(self) -> UsageMeter:
        """A fresh meter for one stream."""
        raise NotImplementedError

    def usage_with(self, usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
        """What an answer's body or stream has told, and what its headers tell besides."""
        return usage

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an error response."""
        raise NotImplementedError

    def error_headers(self, error: GatewayError) -> Mapping[str, str]:
        """Headers that clients of this dialect read an error's kind from, besides its body."""
        return {}

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """The event that ends a stream which cannot go on."""
        raise NotImplementedError

    def is_error(self, tree: Any) -> bool:
        """Whether a JSON value has the form in which clients of this dialect read an error."""
        error = tree.get("error") if isinstance(tree, dict) else None
        return isinstance(error, dict) and bool(error.get("message"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        """What a provider's error body says; never raises."""
        raise NotImplementedError

    def failure_with(self, failure: UpstreamFailure, headers: Mapping[str, str]) -> UpstreamFailure:
        """What an error's body has told, and what its headers tell besides."""
        return failure

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> CanonicalRequest:
        """The canonical form. Raises InvalidRequest, naming the field, for what has no meaning."""
        raise NotImplementedError

    def render_request(self, request: CanonicalRequest) -> Rendered:
        """The body that asks a provider the same."""
        raise NotImplementedError

    def parse_response(self, body: bytes) -> CanonicalResponse:
        """The canonical form of a complete response. Raises ValueError when it is none."""
        raise NotImplementedError

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        """The response as a client of this dialect expects it."""
        raise NotImplementedError

    def stream_parser(self) -> StreamParser:
        """A fresh parser for one stream."""
        raise NotImplementedError

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        """A fresh renderer for one stream."""
        raise NotImplementedError


@cache
def installed(name: str) -> Dialect:
    """The one instance of a dialect that an installed plugin declares, whoever asks for it.

    That is how a provider speaks another vendor's dialect: plugins do not import each other, they
    name what they need. It is declared by an entry point in the group `jackfield.dialects`.
    Raises ConfigError when no installed distribution has it.
    """
    found: object = next((point.load() for point in declared(GROUP) if point.name == name), None)
    if isinstance(found, Dialect):
        return found
    if found is not None:
        raise ConfigError([f"the entry point {name!r} of {GROUP} is not a dialect"])
    vendor = name.partition(".")[0]
    raise ConfigError([f"the dialect {name!r} is not installed: pip install jackfield-{vendor}"])
