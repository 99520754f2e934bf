"""Realtime sessions: WebSockets passed through to a provider, with every hook at its place.

A plugin subclasses `RealtimeDialect` for its protocol, declares an `Endpoint` whose method is
`WEBSOCKET`, and derives its provider from `RealtimeProvider`. The session is one exchange: the
hooks before it may refuse it as any request, each message from the provider is one chunk, and
`post_response` has the usage of the whole.
"""

from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, ClassVar, Final, Protocol, cast
from urllib.parse import quote, unquote_plus, urlencode

from attrs import define, field, frozen
from attrs.validators import gt
from msgspec.structs import replace
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield._client import Answer, Relay, SocketLimits, WebSocketConnection, header_lines
from jackfield._model_name import check_model
from jackfield._session_models import SessionModel, named_in
from jackfield._tap import Tap
from jackfield._websocket import BrokenProtocol, Inbox, Message, frames
from jackfield._websocket.frames import BINARY, CLOSE, TEXT, close_payload, frame, opcode_of
from jackfield._websocket.handshake import offered
from jackfield.config import option
from jackfield.dialects import Dialect, Peek, Terminal, UsageMeter
from jackfield.endpoints import Endpoint
from jackfield.errors import GatewayError, InvalidRequest, ProviderUnavailable, ShuttingDown
from jackfield.exchange import Exchange
from jackfield.framing import Framer, Framing
from jackfield.http import WEBSOCKET, HttpRequest
from jackfield.http_provider import HttpConfig, HttpProvider
from jackfield.json_spans import Path
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.response import Response

__all__ = [
    "MAX_MESSAGE",
    "MESSAGES",
    "Messages",
    "RealtimeConfig",
    "RealtimeDialect",
    "RealtimeExchange",
    "RealtimeProvider",
    "SessionLimits",
    "SessionMeter",
    "added",
]

_COUNTS: Final = tuple([name for name in Usage.__struct_fields__ if name.endswith("_tokens")])

MAX_MESSAGE: Final = 16 << 20
"""Bytes of the largest message that a provider may send; those of clients have `max_body`."""


class Messages(Framing):
    """WebSocket messages as events; in wire form each is a whole frame without a mask."""

    content_type = "application/websocket"
    media_types = ("application/websocket",)
    is_text = False

    def framer(self) -> Framer:
        """There is none: messages arrive whole."""
        raise NotImplementedError

    def split(self, events: bytes) -> list[bytes]:
        """The single messages of a batch."""
        return frames.split(events)

    def data_of(self, event: bytes) -> bytes | None:
        """The JSON of a text or binary message, or None."""
        if opcode_of(event) not in (TEXT, BINARY):
            return None
        payload = frames.payload_of(event)
        return payload if payload.lstrip()[:1] == b"{" else None

    def with_data(self, event: bytes, data: bytes) -> bytes:
        """The message with its JSON replaced; a binary one stays binary."""
        return frame(opcode_of(event) or TEXT, data)


MESSAGES: Final = Messages()


class SessionMeter(UsageMeter, Protocol):
    """Adds up the usage of a session's answers, and estimates one that is cut.

    `usage` includes the estimate. It is `UNUSED` of `jackfield.estimates` if it is certain that
    nothing is billed, and None if there is nothing to say.
    """

    def sent(self, message: bytes) -> None:
        """Process a message of the client. Called for every one: must be cheap."""

    def is_complete(self) -> bool:
        """Whether nothing is estimated."""


class RealtimeDialect(Dialect):
    """The protocol of one kind of session. It is never translated.

    A subclass gives `error_message`, `usage_meter` and `parse_error`, and `render_error` for what
    is refused before the session opens.
    """

    operation: ClassVar[str] = "realtime"
    translates: ClassVar[bool] = False
    framing = MESSAGES
    stop_marker: ClassVar[bytes] = frame(CLOSE, close_payload(frames.NORMAL))

    protocols: ClassVar[frozenset[str]] = frozenset()
    """The WebSocket subprotocols that are passed on if a client offers them."""

    key_protocol: ClassVar[str | None] = None
    """The prefix of a subprotocol in which browsers, which cannot send headers, put their key."""

    first_message: ClassVar[float | None] = None
    """Seconds in which a client's first message must come if that names the model, not the URL.

    The WebSocket is accepted once the caller is authenticated. The message is then the body of the
    request, for all hooks, and is sent to the provider that they choose.
    """

    model_paths: ClassVar[tuple[Path, ...]] = ()
    """Where a client's messages may name the session's model."""

    model_prefix: ClassVar[str] = ""
    """What stands before a model's name there."""

    model_marks: ClassVar[tuple[bytes, ...]] = (b"model", b"\\u")
    """A client's message that names a model contains one of these; others are not read.

    They are in lower case and found in any. A name of a member may be written with escapes.
    """

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """The model from the first message, or (Azure's deployment) from the path or the query."""
        if self.first_message is None or tree is None:
            return Peek(params.get("model") or params.get("deployment"), stream=True)
        model = next((name for _, name in named_in(self, tree)), None)
        if not model:
            where = ".".join(map(str, self.model_paths[0]))
            raise InvalidRequest(f"The first message must name the model: `{where}`.", param=where)
        return Peek(model, stream=True)

    def model_needed(self, tree: Any) -> Path | None:
        """Where a client's message lacks the name of the model that is to serve it."""
        return None

    def settings_in(self, tree: Any) -> Any:
        """The part of a client's message that may name further models; the rest is content."""
        return tree

    def terminal(self, event: bytes) -> Terminal | None:
        """A close frame ends the session."""
        return "end" if opcode_of(event) == CLOSE else None

    def usage_meter(self) -> SessionMeter:
        """A meter for one session."""
        raise NotImplementedError

    def error_message(self, error: GatewayError, request_id: str) -> bytes:
        """The JSON of a message that reports an error."""
        raise NotImplementedError

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """A message that reports an error, and a close frame."""
        report = frame(TEXT, self.error_message(error, request_id))
        return report + self.closing(error, error.code)

    def closing(self, error: GatewayError, reason: str) -> bytes:
        """The close frame for an error."""
        return frame(CLOSE, close_payload(_close_code(error), reason))

    def render_refusal(self, error: GatewayError, request_id: str) -> bytes:
        """The same for a client whose first message has opened no session."""
        return self.render_error_event(error, request_id)

    def headers(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """The request's headers with the key where plugins look for it."""
        start = self.key_protocol
        if start is None or start not in given.get("sec-websocket-protocol", ""):
            return given
        kept: CIMultiDict[str] = CIMultiDict(given)
        names = offered(given)
        keys = [name.removeprefix(start) for name in names if name.startswith(start)]
        kept["sec-websocket-protocol"] = ", ".join(
            [name for name in names if not name.startswith(start)]
        )
        for key in keys:  # beside any other: whoever checks keys sees them all
            kept.add("authorization", f"Bearer {key}")
        return CIMultiDictProxy(kept)


def _close_code(error: GatewayError) -> int:
    if isinstance(error, ShuttingDown):
        return frames.GOING_AWAY
    if isinstance(error, InvalidRequest) and isinstance(error.__cause__, BrokenProtocol):
        return error.__cause__.code
    return frames.POLICY if error.http_status < 500 else frames.INTERNAL_ERROR


@define(eq=False, repr=False)
class RealtimeExchange(Exchange):
    """The exchange of a session; `client` has what the client sends.

    `accepted` says whether the client's WebSocket is open although no provider's is; `opcode` is
    that of the first message if it is the request's body.
    """

    client: Inbox = field(kw_only=True)
    accepted: bool = field(default=False, init=False)
    opcode: int | None = field(default=None, init=False)

    @property
    def protocol(self) -> RealtimeDialect:
        """The dialect, which is that of a session."""
        return cast("RealtimeDialect", self.dialect)

    def offered(self) -> tuple[str, ...]:
        """The subprotocols that the client offers and the dialect knows."""
        known = self.protocol.protocols
        return tuple([name for name in offered(self.request.headers) if name in known])

    def accepted_with(self, body: AsyncIterator[bytes], chosen: str | None = None) -> Response:
        """The answer that opens the WebSocket; a browser expects a subprotocol that it offered."""
        chosen = chosen or next(iter(self.offered()), None)
        headers = {"sec-websocket-protocol": chosen} if chosen else {}
        return Response(101, body, MESSAGES.content_type, headers)

    def begin(self, message: Message, tree: Any) -> None:
        """Take the first message as the request's body. Raises InvalidRequest.

        What happened to the handshake is forgotten, so that all hooks are called.
        """
        peek = self.dialect.peek(tree, self.request.params)
        check_model(peek.model)
        self.request = replace(self.request, body=message.data)
        self.model = self.body_model = peek.model
        self.opcode, self._tree = message.opcode, tree
        self.problem, self.left, self.entered = None, (), 0


@frozen
class SessionLimits:
    """How long a session may last, in seconds."""

    idle: float = option(600.0, "Until the next message of either side.", validator=gt(0))
    total: float = option(7200.0, "For the whole session.", validator=gt(0))


@frozen
class RealtimeConfig(HttpConfig):
    """The keys that the table of a provider of sessions may have."""

    realtime: SessionLimits = option(SessionLimits(), "How long a session may last, in seconds.")


class RealtimeProvider(HttpProvider):
    """An HTTP provider that also has WebSocket endpoints.

    A session goes to the path that `upstream_path` returns, with the client's query except for what
    its endpoint has read, and with `session_query`.
    """

    Config = RealtimeConfig

    def session_query(self, exchange: Exchange, model: str) -> Mapping[str, str]:
        """What is added to a session's query: the model, if it was requested there."""
        in_message = isinstance(exchange, RealtimeExchange) and exchange.opcode is not None
        return {"model": model} if model and not in_message else {}

    def call(self, exchange: Exchange, target: Target) -> Coroutine[Any, Any, Response]:
        """One attempt; for a session it ends when the provider has accepted it."""
        if isinstance(exchange, RealtimeExchange):
            return self._open(exchange, target)
        return super().call(exchange, target)

    async def _open(self, exchange: RealtimeExchange, target: Target) -> Response:
        dialect = exchange.dialect
        if not isinstance(dialect, RealtimeDialect) or dialect not in self._spoken:
            raise self.not_served(exchange, target)
        path = self._session_path(exchange, target)
        meter, model_name = dialect.usage_meter(), exchange.body_model
        model = SessionModel(dialect, exchange.principal, model_name, target, meter.sent)
        first = await model.checked(Message(exchange.opcode or TEXT, exchange.request.body))
        names, lasts = exchange.offered(), self.config.realtime
        limits = SocketLimits(max_message=MAX_MESSAGE, idle=lasts.idle, total=lasts.total)
        renewed = False
        while True:
            key = self._ring.take(self.name)
            signed = await self.sign("GET", self._base_url + path, b"", key.secret)
            head = self._head(exchange, key) + header_lines(signed)
            opened = await self._origin.websocket(path, head, names, limits)
            if isinstance(opened, WebSocketConnection):
                if exchange.opcode is not None:
                    opened.send(first)
                exchange.tap = Tap(meter.usage, meter.is_complete)
                relay = Relay(opened, exchange.client, meter.feed, model.checked)
                return exchange.accepted_with(relay, opened.protocol)
            refusal = await self._refusal(opened, dialect)
            renewed = not renewed and self.refused(signed, opened.status, b"")
            if not renewed and not self._another_key(key, opened.status, refusal.retry_after):
                raise refusal

    def _session_path(self, exchange: Exchange, target: Target) -> str:
        path = self._path(exchange, target, exchange.dialect)
        query = urlencode(self.session_query(exchange, target.model), quote_via=quote)
        mark = "&" if "?" in path else "?"
        return f"{path}{mark}{query}" if query else path

    async def _refusal(self, answer: Answer, dialect: Dialect) -> GatewayError:
        try:
            body = await answer.read()
            if answer.status < 300:
                error = ProviderUnavailable(
                    "The provider did not open a session.", provider=self.name
                )
                error.answered = answer.status
                return error
            return self._errors.read(answer, body, dialect, dialect)
        finally:
            await answer.close()


class NoFirstMessage(InvalidRequest):
    """A client has not named its model in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No first message, which names the model, came within {seconds:g} s.")


def added(one: Usage, other: Usage) -> Usage:
    """The combined usage of two answers in a session."""
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in _COUNTS})


def method_of(request: HttpRequest) -> str:
    """The method of a request; WEBSOCKET if it asks for a WebSocket."""
    asks = request.method == "GET" and request.headers.get("upgrade", "").lower() == "websocket"
    return WEBSOCKET if asks or request.websocket is not None else request.method


def check_upgrade(request: HttpRequest, endpoint: Endpoint) -> None:
    """Raise InvalidRequest unless a WebSocket is requested exactly where there is one."""
    if endpoint.method == WEBSOCKET:
        if request.websocket is None:
            raise InvalidRequest(
                "No WebSocket can be opened here: the request does not ask for one, or the server"
                " that the gateway runs under (WSGI, for one) has none. Serve the gateway with"
                " `jackfield serve`, or under an ASGI server with WebSockets."
            )
    elif request.websocket is not None:
        raise InvalidRequest("There is no WebSocket at this path: leave out `Upgrade`.")


def session_of(exchange: Exchange, client: Inbox) -> Exchange:
    """The exchange as a session, with its model and its key in the usual places."""
    dialect, request = exchange.dialect, exchange.request
    if not isinstance(dialect, RealtimeDialect):
        return exchange
    read = exchange.endpoint.query
    rest = [part for part in request.query.split("&") if _name_of(part) not in read]
    request = replace(request, query="&".join(rest), headers=dialect.headers(request.headers))
    model, parts = exchange.model, (exchange.id, exchange.endpoint, dialect, request)
    session = RealtimeExchange(*parts, model, exchange.stream, body_model=model, client=client)
    if dialect.first_message is not None:
        session.problem = NoFirstMessage(dialect.first_message)
    return session


def _name_of(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
