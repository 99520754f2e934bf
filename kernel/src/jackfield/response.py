"""What comes back: a response, the chunks of a stream, and how an exchange ended."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from jackfield import json_spans
from jackfield._mistakes import wrong_header
from jackfield.dialects import Dialect, Loss
from jackfield.errors import GatewayError
from jackfield.messages import Usage
from jackfield.plan import Target

OutcomeKind = Literal["answered", "refused", "failed", "truncated", "client_gone", "shutdown"]


class Response(msgspec.Struct, frozen=True, eq=False):
    """An answer in the client's dialect: whole, or a stream of whole events.

    A stream yields bytes that contain one or more whole events; it raises GatewayError if it cannot
    be completed, and `aclose()` stops it.
    """

    status: int
    body: bytes | AsyncIterator[bytes]
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    losses: tuple[Loss, ...] = ()

    def __post_init__(self) -> None:
        if type(self.body) is not bytes and not hasattr(self.body, "__anext__"):
            kind = type(self.body).__name__
            raise TypeError(f"the body of a response is bytes or an async iterator, not a {kind}")

    def __repr__(self) -> str:
        # Without the body: printed objects end up in logs.
        return f"<Response {self.status} {self.content_type}>"

    def wrong_header(self) -> str:
        """What is wrong with the first header that cannot be sent; "" if nothing is."""
        return wrong_header([("content-type", self.content_type), *self.headers.items()])

    @property
    def streaming(self) -> bool:
        """Whether the body is a stream."""
        return not isinstance(self.body, bytes)

    async def close(self) -> None:
        """Stop a stream that is not passed on; does nothing for a whole response."""
        if hasattr(self.body, "aclose"):
            await self.body.aclose()

    def json(self) -> Any:
        """The body as a fresh JSON value. Only for a whole response."""
        if not isinstance(self.body, bytes):
            raise TypeError("a streaming response has no JSON body; use on_stream_chunk")
        return msgspec.json.decode(self.body)

    def texts(self, dialect: Dialect, *, tools: bool = False) -> list[json_spans.TextSpan]:
        """The texts of a whole answer in the exchange's dialect; none for a stream.

        With `tools` also what the model passes to tools.
        """
        paths = dialect.response_texts + (dialect.response_tools if tools else ())
        return json_spans.texts(self.body, paths) if isinstance(self.body, bytes) else []

    def with_texts(self, changed: Mapping[json_spans.Path, str]) -> "Response":
        """This answer with some texts replaced in place; a stream is left as it is."""
        body = self.body
        return self.with_body(json_spans.replace(body, changed)) if type(body) is bytes else self

    def with_body(self, body: bytes) -> "Response":
        """The same response with another body."""
        return replace(self, body=body)

    def with_headers(self, **headers: str) -> "Response":
        """The same response with more headers; `_` in a name becomes `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream in the client's dialect, byte for byte.

    The last chunk has `final`: it contains the event that ends the stream, or nothing if the
    dialect has no such event. After a cut it also has `aborted`, and no data.
    """

    data: bytes
    dialect: Dialect
    final: bool = False
    aborted: bool = False

    def __repr__(self) -> str:
        return f"<Chunk {len(self.data)} bytes>"

    def texts(self, *, tools: bool = False) -> list[json_spans.TextSpan]:
        """The texts in this event that the reader sees, with their JSON paths.

        With `tools` also what the model passes to tools.
        """
        body = (self.dialect.event_data(self.data) if self.data else None) or b""
        return json_spans.texts(body, self.dialect.patterns_of_event(body, tools=tools))

    def with_texts(self, changed: Mapping[json_spans.Path, str]) -> "Chunk":
        """This event with some texts replaced in place; every other byte is unchanged."""
        if not changed or (body := self.dialect.event_data(self.data)) is None:
            return self
        framing = self.dialect.framing
        return self.with_data(framing.with_data(self.data, json_spans.replace(body, changed)))

    def with_data(self, data: bytes) -> "Chunk":
        """This chunk with other bytes: whole events in wire form."""
        return Chunk(data, self.dialect, self.final, self.aborted)


class Attempt(msgspec.Struct, frozen=True):
    """One call of one target. Times are in seconds; `waited` is the pause before it.

    `error` is the code of its error, and `cause` the name of the exception behind that, if any.
    """

    target: Target
    seconds: float
    status: int | None = None
    error: str | None = None
    waited: float = 0.0
    cause: str | None = None


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """How an exchange ended, for `post_response`.

    `response` is what the caller gets, or got: a stream is over by now. `usage` is what the
    provider reported, for a cut stream what it had reported by then; None if it reported nothing.
    `usage_complete` says whether that is everything, and `events` how many events a stream had.
    """

    kind: OutcomeKind
    status: int
    response: Response | None = None
    error: GatewayError | None = None
    usage: Usage | None = None
    usage_complete: bool = False
    events: int = 0
