"""A dialect is one wire protocol, written once and used for clients and for providers.

A vendor's plugin subclasses `Dialect` for each of its protocols. Instances hold no state of a
request, so one serves all.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from jackfield import json_spans, messages
from jackfield._entry_points import declared
from jackfield.errors import ConfigError, GatewayError
from jackfield.events import StreamEvent
from jackfield.framing import SSE, Framing
from jackfield.messages import ChatResponse, EmbeddingsResponse, RerankResponse, TokenCount, Usage

CanonicalRequest = messages.ChatRequest | messages.EmbeddingsRequest | messages.RerankRequest
CanonicalResponse = ChatResponse | EmbeddingsResponse | RerankResponse | TokenCount
Canonical = Literal["chat", "embeddings", "rerank", "count_tokens"]
GROUP = "jackfield.dialects"


class Peek(msgspec.Struct, frozen=True):
    """The parts of a request that the kernel needs before anything else."""

    model: str | None
    stream: bool = False
    max_tokens: int | None = None


class Loss(msgspec.Struct, frozen=True):
    """Something that the target's dialect cannot express.

    `feature` is a stable dotted name for tables and headers ("tools.custom"); `path` is its place
    in the canonical form; `how` says what happened to it.
    """

    feature: str
    path: str
    how: Literal["dropped", "approximated"]
    detail: str = ""
    breaks: bool = False
    """Dropping it would change the question: refused, whatever `on_loss` says."""

    def __str__(self) -> str:
        return f"{self.feature} {self.how}" + (f": {self.detail}" if self.detail else "")


class Rendered(msgspec.Struct, frozen=True):
    """Bytes in a dialect, and the losses of rendering them."""

    body: bytes
    losses: tuple[Loss, ...] = ()


class UpstreamFailure(msgspec.Struct, frozen=True):
    """The content of a provider's error; `retry_after` is in seconds.

    For an error in a stream, `status` is the one that an answer with such an error would have.
    """

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    status: int | None = None


Terminal = Literal["end", "error"]


class StreamParser(Protocol):
    """Turns the events of one stream, each complete and in wire form, into canonical events."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event."""

    def close(self) -> Sequence[StreamEvent]:
        """The events still pending at a clean end of the connection."""


class StreamRenderer(Protocol):
    """Turns canonical events into one stream's wire form."""

    losses: list[Loss]

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""


class UsageMeter(Protocol):
    """Keeps the events of a stream that report usage, and parses them only on request."""

    def feed(self, events: bytes) -> None:
        """Process complete events in wire form. Called for every batch: must be cheap."""

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""


class Dialect:
    """One wire protocol.

    A dialect with `translates = False` is only passed through; its canonical methods are never
    called. The `*_texts` are JSON paths with `*` for any element, over which `texts()` of a
    request, response or event iterates; `jackfield.json_spans` says how they are written.
    """

    name: ClassVar[str]
    operation: ClassVar[str]
    translates: ClassVar[bool] = True
    canonical: ClassVar[Canonical] = "chat"
    """Its canonical form; dialects with the same form translate into each other.

    Counting tokens takes the request of a chat and answers with a `TokenCount`.
    """

    needs_max_tokens: ClassVar[bool] = False
    """Whether a request must limit its answer."""

    output_limit: ClassVar[json_spans.Path] = ()
    """The member that limits an answer; empty if there is none."""

    usage_switch: ClassVar[json_spans.Path] = ()
    """The member that requests a stream's usage, if it is only reported on request."""

    tool_names: ClassVar[str] = ""
    """A regular expression for the names that tools may have; empty if any name is accepted.

    It accepts up to 64 letters, digits and underscores, the first of which is no digit. In
    translated requests such names take the place of others, and in answers the client's return.
    """

    most_inputs: ClassVar[int | None] = None
    """Maximum texts per embeddings request; more are split into several requests."""

    image_urls: ClassVar[bool] = True
    """Whether a request may refer to images by URL; else it gets the bytes."""

    document_urls: ClassVar[bool] = True
    """The same for documents."""

    request_id_header: ClassVar[str] = ""
    """The header from which its clients read a request's id, if not `x-request-id`."""

    reads_json: ClassVar[bool] = True
    """Whether JSON bodies are parsed; false if a body may be a part of a caller's file."""

    incidental: ClassVar[frozenset[str | tuple[str, str]]] = frozenset({"id", "index", "object"})
    """Members of its answers that clients of other dialects do not miss.

    They have a canonical form, echo the request, or identify or time the answer. A pair is a member
    with its usual value. What else its parsers put into extensions is named as a loss.
    """

    understood: ClassVar[frozenset[str]] = frozenset()
    """Members of other dialects' answers that its own include: "vendor.protocol.member"."""

    framing: Framing = SSE
    request_texts: ClassVar[tuple[str, ...]] = ()
    response_texts: ClassVar[tuple[str, ...]] = ()
    event_texts: ClassVar[tuple[str, ...]] = ()
    request_tools: ClassVar[tuple[str, ...]] = ()
    """What else to look at with `texts(tools=True)`: calls of tools, and results that are JSON."""

    response_tools: ClassVar[tuple[str, ...]] = ()
    event_tools: ClassVar[tuple[str, ...]] = ()
    terminal_hints: ClassVar[tuple[bytes, ...]] = ()
    """Every event that ends a stream contains at least one of these byte strings."""

    stop_marker: ClassVar[bytes] = b""
    """The event that ends a stream cut short by a plugin, if the dialect has one."""

    def variant(self, params: Mapping[str, str]) -> "Dialect":
        """The dialect for a path or a query, such as one with another framing."""
        return self

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Model, stream flag and output limit of a request's JSON and its path parameters.

        Raises InvalidRequest that names the field if one of them has a wrong type. A dialect whose
        requests name no model need not override it.
        """
        return Peek(None)

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        """The same for a body that is not JSON, such as a multipart form."""
        return Peek(None)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        """The body with the model's name replaced; all other bytes stay."""
        return json_spans.splice(body, ("model",), new, known=old)

    def output_limit_in(self, tree: Any) -> json_spans.Path:
        """`output_limit` for a request that may use another name for it."""
        return self.output_limit

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON in one wire event, or None."""
        return self.framing.data_of(event)

    def patterns_of_event(self, data: bytes, *, tools: bool) -> tuple[str, ...]:
        """The paths of the texts in an event with this JSON, with `tools` those of tools too."""
        return self.event_texts + self.event_tools if tools else self.event_texts

    def terminal(self, event: bytes) -> Terminal | None:
        """Whether this complete event ends the stream, normally or with an error.

        A dialect that does not stream need not override it.
        """
        return None

    def finishes(self, event: bytes) -> bool:
        """Whether this event completes the answer although no end marker has arrived yet.

        Some providers omit the marker; then this and a properly framed end are enough.
        """
        return False

    def is_usage_event(self, event: bytes) -> bool:
        """Whether this event was only sent because of the `usage_switch`."""
        return False

    def usage(self, body: bytes) -> Usage | None:
        """The usage that a complete response reports, or None.

        Raises ValueError if the body is not a response of this dialect: not JSON, an error in
        disguise, or without required members. One that uses no tokens need not override it.
        """
        return None

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        """The usage in the body of a parsed response, if possible without parsing it again.

        A response's own usage is the one shown to its client, and may be less.
        """
        return self.usage(body)

    def usage_meter(self) -> UsageMeter:
        """A new meter for one stream."""
        raise NotImplementedError

    def usage_with(self, usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
        """The usage of an answer's body or stream, combined with that of its headers."""
        return usage

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an error response."""
        raise NotImplementedError

    def error_headers(self, error: GatewayError) -> Mapping[str, str]:
        """Headers from which clients of this dialect read the kind of an error."""
        return {}

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """The event that ends a stream with an error."""
        raise NotImplementedError

    def is_error(self, tree: Any) -> bool:
        """Whether a JSON value has the form of this dialect's errors."""
        error = tree.get("error") if isinstance(tree, dict) else None
        return isinstance(error, dict) and bool(error.get("message"))

    def is_error_event(self, event: bytes) -> bool:
        """Whether clients recognize an event that `terminal` calls an error.

        If they would overlook it, they get `render_error_event` in its place.
        """
        return True

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        """The content of a provider's error body; never raises."""
        raise NotImplementedError

    def failure_with(self, failure: UpstreamFailure, headers: Mapping[str, str]) -> UpstreamFailure:
        """The content of an error's body, combined with that of its headers."""
        return failure

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> CanonicalRequest:
        """The canonical form. Raises InvalidRequest that names the invalid field."""
        raise NotImplementedError

    def render_request(self, request: CanonicalRequest) -> Rendered:
        """The body of the equivalent request, and its losses."""
        raise NotImplementedError

    def parse_response(self, body: bytes) -> CanonicalResponse:
        """The canonical form of a complete response. Raises ValueError if it is malformed."""
        raise NotImplementedError

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        """The response as a client of this dialect expects it."""
        raise NotImplementedError

    def stream_parser(self) -> StreamParser:
        """A new parser for one stream."""
        raise NotImplementedError

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        """A new renderer for one stream."""
        raise NotImplementedError


@cache
def installed(name: str) -> Dialect:
    """The shared instance of a dialect that an installed plugin declares.

    Providers use it to get another vendor's dialect, because plugins do not import each other. A
    dialect is declared by an entry point in the group `jackfield.dialects`.

    Raises ConfigError if no installed distribution declares it.
    """
    found: object = next((point.load() for point in declared(GROUP) if point.name == name), None)
    if isinstance(found, Dialect):
        return found
    if found is not None:
        raise ConfigError([f"the entry point {name!r} of {GROUP} is not a dialect"])
    vendor = name.partition(".")[0]
    raise ConfigError([f"the dialect {name!r} is not installed: pip install jackfield-{vendor}"])
