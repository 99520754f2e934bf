"""The dialect of the testing kit: the smallest chat protocol with all that a dialect can have.

A request is `{"model", "messages": [{"role", "text"}], "stream", "max_tokens"}`, an answer is
`{"model", "text", "finish", "usage": {"input", "output"}}`. A stream has one fact per event:
`{"model"}`, any number of `{"text"}`, `{"finish"}`, `{"usage"}`, and `{"end": true}`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield import sse
from jackfield.catalogue import Catalogue
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.endpoints import Endpoint
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.exchange import Exchange
from jackfield.losses import has_content, lost_member, lost_part
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text, Usage
from jackfield.response import Response

from .dialect_stream import ChatStreamMeter, ChatStreamParser, ChatStreamRenderer
from .dialect_wire import read_answer, read_request

_CARRIED: Final = frozenset(
    {"model", "messages", "max_tokens", "stream", "include_usage", "extensions", "server_state"}
)
"""Members of a canonical request that are not settings, or that the dialect has."""


class ChatDialect(Dialect):
    """Plain text in and out, whole or as server-sent events."""

    name: ClassVar[str] = "testing.chat"
    operation: ClassVar[str] = "chat"
    request_texts: ClassVar[tuple[str, ...]] = ("messages/*/text",)
    response_texts: ClassVar[tuple[str, ...]] = ("text",)
    event_texts: ClassVar[tuple[str, ...]] = ("text",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b'"end"', b'"error"')
    stop_marker: ClassVar[bytes] = b'data: {"end":true}\n\n'

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Read the top-level members of the request."""
        request = read_request(tree)
        return Peek(request.model, request.stream, request.max_tokens)

    def terminal(self, event: bytes) -> Terminal | None:
        """Look for `end` and `error`."""
        fact = _fact(self.event_data(event))
        return "end" if "end" in fact else "error" if "error" in fact else None

    def usage(self, body: bytes) -> Usage | None:
        """Read `usage`."""
        counts = read_answer(body).usage
        return counts.usage() if counts else None

    def usage_meter(self) -> UsageMeter:
        """A new meter."""
        return ChatStreamMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """`{"error": {"code", "message"}}`."""
        return msgspec.json.encode({"error": {"code": error.code, "message": error.message}})

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """The same as an event."""
        return sse.encode(self.render_error(error, request_id))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        """Read `{"error": {"code", "message"}}`."""
        error = _fact(body).get("error")
        if not isinstance(error, dict):
            return UpstreamFailure("The provider failed.")
        return UpstreamFailure(str(error.get("message")), code=str(error.get("code")))

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        """Make a canonical request of it."""
        request = read_request(tree)
        messages = tuple(Message(one.role, (Text(one.text),)) for one in request.messages)
        limit, stream = request.max_tokens, request.stream
        return ChatRequest(request.model, messages, max_tokens=limit, stream=stream)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        """Write the texts of a conversation."""
        if not isinstance(request, ChatRequest):
            raise InvalidRequest("The testing dialect can only chat.")
        messages = [{"role": one.role, "text": text_of(one)} for one in request.messages]
        tree: dict[str, Any] = {"model": request.model, "messages": messages}
        if request.stream:
            tree["stream"] = True
        if request.max_tokens is not None:
            tree["max_tokens"] = request.max_tokens
        return Rendered(msgspec.json.encode(tree), tuple(_lost(request)))

    def parse_response(self, body: bytes) -> ChatResponse:
        """Make a canonical response of it."""
        answer = read_answer(body)
        choice = Choice(Message("assistant", (Text(answer.text),)), answer.finish)
        return ChatResponse(
            "testing", answer.model, (choice,), answer.usage.usage() if answer.usage else None
        )

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        """Write the text of the first choice."""
        if not isinstance(response, ChatResponse):
            raise TypeError("the testing dialect can only chat")
        tree: dict[str, Any] = {
            "model": response.model,
            "text": text_of(response.choices[0].message),
            "finish": response.choices[0].finish_reason,
        }
        if response.usage is not None:
            usage = response.usage
            tree["usage"] = {"input": usage.input_tokens, "output": usage.output_tokens}
        parts = response.choices[0].message.parts
        losses = [
            lost_part(part, "choices[0]", "assistant")
            for part in parts
            if not isinstance(part, Text)
        ]
        return Rendered(msgspec.json.encode(tree), tuple(losses))

    def stream_parser(self) -> StreamParser:
        """A new parser."""
        return ChatStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        """A new renderer."""
        return ChatStreamRenderer()


class ListDialect(ChatDialect):
    """A list of models: requested without a body, and never translated."""

    name: ClassVar[str] = "testing.models"
    operation: ClassVar[str] = "models"
    translates: ClassVar[bool] = False

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Requests name no model."""
        return Peek(None)


async def _list(exchange: Exchange, catalogue: Catalogue) -> Response:
    models = await catalogue.models()
    return Response(200, msgspec.json.encode({"models": [one.name for one in models]}))


def _lost(request: ChatRequest) -> Iterator[Loss]:
    """What the dialect has no place for."""
    for name in request.__struct_fields__:
        if name not in _CARRIED and getattr(request, name) not in (None, (), False):
            yield Loss(name, name, "dropped")
    if request.server_state is not None:
        yield Loss("conversation.server_state", "server_state", "dropped", breaks=True)
    for i, message in enumerate(request.messages):
        for part in message.parts:
            if not isinstance(part, Text):
                yield lost_part(part, f"messages[{i}]", message.role)
    for dialect, members in request.extensions.items():
        for key, value in members.items():
            if not key.startswith("$") and has_content(key, value):
                yield lost_member(dialect, key, value)


def text_of(message: Message) -> str:
    """The texts of a message, joined."""
    return "".join(part.text for part in message.parts if isinstance(part, Text))


def _fact(data: bytes | None) -> dict[str, Any]:
    try:
        fact = msgspec.json.decode(data or b"{}")
    except msgspec.DecodeError:
        return {}
    return fact if isinstance(fact, dict) else {}


TESTING_CHAT: Final = ChatDialect()

CHAT_PATH: Final = "/testing/chat"

CHAT_ENDPOINT: Final = Endpoint("POST", CHAT_PATH, TESTING_CHAT, "chat", "inference", "/chat")

LIST_PATH: Final = "/testing/models"

LIST_ENDPOINT: Final = Endpoint("GET", LIST_PATH, ListDialect(), "models", "models", answer=_list)
