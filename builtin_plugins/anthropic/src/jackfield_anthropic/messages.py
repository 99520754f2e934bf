"""The dialect `anthropic.messages`: Anthropic's Messages API and its cloud variants."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

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
    UsageMeter,
)
from jackfield.errors import GatewayError
from jackfield.framing import SSE, Framing
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from . import failures
from .dialect import AnthropicDialect
from .fields import NAME, UNREADABLE, own
from .messages_losses import INCIDENTAL
from .messages_request import BETAS, peek_messages, read_request, version_of
from .messages_request_writer import write_request
from .messages_response import read_response, write_response
from .messages_stream_parser import MessagesParser
from .messages_stream_renderer import Encode, MessagesRenderer
from .messages_usage import MessagesMeter, usage_of_answer

_CONTENT_TEXTS = (
    "content",
    "content/*/text",
    "content/*/thinking",
    "content/*/content",
    "content/*/content/*/text",
    "content/*/source/content",
    "content/*/source/content/*/text",
    "content/*/source/data?type=text",
    "content/*/content/*/content/*/text",
    "content/*/content/*/source/content",
    "content/*/content/*/source/content/*/text",
    "content/*/content/*/source/data?type=text",
    "content/*/content/content/source/data?type=text",
)
_CONTENT_TOOLS = ("input/**", "content/stdout", "content/stderr")


class _Kind(msgspec.Struct):
    type: Any = ""
    delta: Any = None
    error: Any = None


_encode = msgspec.json.Encoder().encode
_decode_kind = msgspec.json.Decoder(_Kind).decode


def encode_event(name: str, data: bytes) -> bytes:
    """One server-sent event, with its JSON on one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


class MessagesDialect(AnthropicDialect):
    """Messages.

    A body that passes through the canonical form comes back as the same JSON. A `framing` other
    than server-sent events needs an `encode` that makes an event from its name and its JSON; a
    subclass for it sets `terminal_hints` if its events do not show their JSON.
    """

    name: ClassVar[str] = NAME
    incidental = Dialect.incidental | INCIDENTAL
    operation: ClassVar[str] = "chat"
    output_limit: ClassVar[Path] = ("max_tokens",)
    needs_max_tokens: ClassVar[bool] = True
    tool_names: ClassVar[str] = r"[a-zA-Z0-9_-]{1,128}"
    request_texts: ClassVar[tuple[str, ...]] = (
        "system",
        "system/*/text",
        *(f"messages/*/{path}" for path in _CONTENT_TEXTS),
    )
    response_texts: ClassVar[tuple[str, ...]] = ("content/*/text", "content/*/thinking")
    event_texts: ClassVar[tuple[str, ...]] = (
        "delta/text",
        "delta/thinking",
        "content_block/text",
        "content_block/thinking",
    )
    request_tools: ClassVar[tuple[str, ...]] = tuple(
        f"messages/*/content/*/{path}" for path in _CONTENT_TOOLS
    )
    response_tools: ClassVar[tuple[str, ...]] = tuple(f"content/*/{p}" for p in _CONTENT_TOOLS)
    event_tools: ClassVar[tuple[str, ...]] = (
        "delta/partial_json/**",
        *(f"content_block/{path}" for path in _CONTENT_TOOLS),
    )
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"message_stop", b"error")
    stop_marker: ClassVar[bytes] = encode_event("message_stop", b'{"type":"message_stop"}')

    def __init__(self, framing: Framing = SSE, encode: Encode = encode_event) -> None:
        self.framing = framing
        self.encode = encode

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_messages(tree, params)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        try:
            return super().with_model(body, media_type, old, new)
        except KeyError:
            return body  # the path names the model

    def terminal(self, event: bytes) -> Terminal | None:
        """`message_stop` ends a stream; an `error` aborts it, whatever the event's name."""
        data = self.framing.data_of(event)
        try:
            kind = _decode_kind(data or b"{}")
        except UNREADABLE:
            return None
        if kind.type == "message_stop":
            return "end"
        return "error" if kind.type == "error" or kind.error else None

    def finishes(self, event: bytes) -> bool:
        """Whether a stop reason has arrived. Some compatible APIs omit `message_stop`."""
        try:
            data = self.framing.data_of(event)
            if not data or b"stop_reason" not in data:
                return False
            kind = _decode_kind(data)
        except UNREADABLE:
            return False
        return isinstance(kind.delta, dict) and kind.delta.get("stop_reason") is not None

    def usage(self, body: bytes) -> Usage | None:
        return usage_of_answer(body)

    def usage_meter(self) -> UsageMeter:
        return MessagesMeter(self.framing)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return self.encode("error", failures.error_body(error, request_id))

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat = chat_of(request)
        wire, losses = write_request(chat)
        self._address(wire, chat, losses)
        return Rendered(_encode(wire), tuple(losses))

    def _address(self, wire: dict[str, Any], request: ChatRequest, losses: list[Loss]) -> None:
        """Add the model and the API version, for variants with them in the body."""

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response), chat_of(request))

    def stream_parser(self) -> StreamParser:
        return MessagesParser(self.framing)

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return MessagesRenderer(chat_of(request), self.encode)


class VertexMessagesDialect(MessagesDialect):
    """Messages on Vertex AI: the path names the model, the body the API version.

    The clouds do not fetch URLs.
    """

    name: ClassVar[str] = "anthropic.messages@vertex"
    image_urls: ClassVar[bool] = False
    document_urls: ClassVar[bool] = False
    cloud: ClassVar[str] = "vertex"
    has_stream_member: ClassVar[bool] = True
    has_betas_member: ClassVar[bool] = False

    def _address(self, wire: dict[str, Any], request: ChatRequest, losses: list[Loss]) -> None:
        kept = own(request.extensions)
        del wire["model"]
        if not self.has_stream_member:
            wire.pop("stream", None)
        wire["anthropic_version"] = version_of(request, self.cloud)
        betas = kept.get(BETAS)
        if betas and self.has_betas_member:
            wire["anthropic_beta"] = betas
        elif betas:
            losses.append(Loss("anthropic.messages.anthropic_beta", "extensions", "dropped"))


class BedrockMessagesDialect(VertexMessagesDialect):
    """Messages on Bedrock: the path names the model and says whether to stream."""

    name: ClassVar[str] = "anthropic.messages@bedrock"
    cloud: ClassVar[str] = "bedrock"
    has_stream_member: ClassVar[bool] = False
    has_betas_member: ClassVar[bool] = True
