"""The dialect `cohere.chat`: v2 of Cohere's Chat API."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
)
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, answer_of

from .chat_parts import NAME
from .chat_request import peek_chat, read_request, write_request
from .chat_response import read_response, write_response
from .chat_stream_parser import ChatStreamParser, failure_in
from .chat_stream_renderer import DONE, ChatStreamRenderer
from .json_dialect import JsonDialect


class ChatDialect(JsonDialect):
    """Chat. A stream ends in `message-end` and then `[DONE]`, which some servers omit.

    A body that passes through the canonical form comes back as the same JSON, except for the `type`
    of tools and calls, and `{}` for empty arguments.
    """

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    incidental = JsonDialect.incidental | {"logprobs"}
    # The rule of its first API; what is documented of the second has none.
    tool_names: ClassVar[str] = r"[a-zA-Z_][a-zA-Z0-9_]*"
    output_limit: ClassVar[Path] = ("max_tokens",)
    document_urls: ClassVar[bool] = False
    answer: ClassVar[str] = "message"
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"[DONE]", b"error", b"ERROR", b"TIMEOUT")
    stop_marker: ClassVar[bytes] = DONE
    request_texts: ClassVar[tuple[str, ...]] = (
        "messages/*/content",
        "messages/*/content/*/text",
        "messages/*/content/*/thinking",
        "messages/*/content/*/document/data",
        "messages/*/content/*/document/data/*",
        "messages/*/tool_plan",
        "documents/*",
        "documents/*/data",
        "documents/*/data/*",
    )
    response_texts: ClassVar[tuple[str, ...]] = (
        "message/content/*/text",
        "message/content/*/thinking",
        "message/tool_plan",
    )
    event_texts: ClassVar[tuple[str, ...]] = (
        "delta/message/content/text",
        "delta/message/content/thinking",
        "delta/message/tool_plan",
    )
    request_tools: ClassVar[tuple[str, ...]] = ("messages/*/tool_calls/*/function/arguments/**",)
    response_tools: ClassVar[tuple[str, ...]] = ("message/tool_calls/*/function/arguments/**",)
    event_tools: ClassVar[tuple[str, ...]] = ("delta/message/tool_calls/function/arguments/**",)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_chat(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        """`[DONE]` ends a stream; a `message-end` with an error, or an error alone, aborts it."""
        data = sse.data_of(event)
        if data is None:
            return None
        if data.strip() == b"[DONE]":
            return "end"
        if not any(hint in event for hint in self.terminal_hints):
            return None
        wire = _decoded(data)
        name = sse.parse(event).event
        return "error" if name == "error" or failure_in(wire, name) is not None else None

    def finishes(self, event: bytes) -> bool:
        """Whether it is the `message-end`."""
        if b"message-end" not in event:
            return False
        return _decoded(sse.data_of(event) or b"").get("type") == "message-end"

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, ChatRequest):
            raise TypeError("the request is not one for a chat")
        return write_request(request)

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response))

    def stream_parser(self) -> StreamParser:
        return ChatStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return ChatStreamRenderer()


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
