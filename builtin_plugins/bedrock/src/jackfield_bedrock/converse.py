"""The dialect `bedrock.converse`: Converse and ConverseStream of Amazon Bedrock."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UsageMeter,
)
from jackfield.framing import Framing
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from .converse_losses import INCIDENTAL
from .converse_names import NAME
from .converse_request import peek, read_request, write_request
from .converse_response import read_response, usage_of_answer, write_response
from .converse_stream_parser import ConverseStreamParser
from .converse_stream_renderer import ConverseStreamRenderer
from .dialect import BedrockDialect
from .event_stream import BrokenMessage, decode, encode_event
from .event_stream_framing import EVENT_STREAM
from .usage import NO_USAGE, EventMeter, as_served, read_usage

_CONTENT_TEXTS = (
    "text",
    "guardContent/text/text",
    "reasoningContent/reasoningText/text",
    "citationsContent/content/*/text",
    "document/source/text",
    "document/source/content/*/text",
    "searchResult/content/*/text",
    "toolResult/content/*/text",
    "toolResult/content/*/document/source/text",
    "toolResult/content/*/searchResult/content/*/text",
)
_CONTENT_TOOLS = ("toolUse/input/**", "toolResult/content/*/json/**")


class ConverseDialect(BedrockDialect):
    """Converse.

    A body that passes through the canonical form comes back as the same JSON, except for the
    padding `p` of stream events. `metadata` is the last event of a stream.
    """

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    incidental = BedrockDialect.incidental | INCIDENTAL
    tool_names: ClassVar[str] = r"[a-zA-Z0-9_-]{1,64}"
    output_limit: ClassVar[Path] = ("inferenceConfig", "maxTokens")
    image_urls: ClassVar[bool] = False
    document_urls: ClassVar[bool] = False
    framing: Framing = EVENT_STREAM
    request_texts: ClassVar[tuple[str, ...]] = (
        "system/*/text",
        "system/*/guardContent/text/text",
        *(f"messages/*/content/*/{path}" for path in _CONTENT_TEXTS),
    )
    response_texts: ClassVar[tuple[str, ...]] = tuple(
        f"output/message/content/*/{path}" for path in _CONTENT_TEXTS
    )
    event_texts: ClassVar[tuple[str, ...]] = ("delta/text", "delta/reasoningContent/text")
    request_tools: ClassVar[tuple[str, ...]] = tuple(
        f"messages/*/content/*/{path}" for path in _CONTENT_TOOLS
    )
    response_tools: ClassVar[tuple[str, ...]] = tuple(
        f"output/message/content/*/{path}" for path in _CONTENT_TOOLS
    )
    event_tools: ClassVar[tuple[str, ...]] = ("delta/toolUse/input/**",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (
        b"metadata",
        b":exception-type",
        b":error-code",
    )

    stop_marker: ClassVar[bytes] = encode_event(
        "messageStop", b'{"stopReason":"end_turn"}'
    ) + encode_event("metadata", b'{"usage":%b,"metrics":{"latencyMs":0}}' % NO_USAGE)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        try:
            message = decode(event)
        except BrokenMessage:
            return None
        if message.is_error:
            return "error"
        return "end" if message.kind == "metadata" else None

    def finishes(self, event: bytes) -> bool:
        return b"messageStop" in event and decode(event).kind == "messageStop"

    def usage(self, body: bytes) -> Usage | None:
        return usage_of_answer(body)

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, _usage_of_event, b'"usage"')

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return write_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        answer = answer_of(response)
        return as_served(answer.usage, answer.extensions[NAME])

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response), request.model)

    def stream_parser(self) -> StreamParser:
        return ConverseStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return ConverseStreamRenderer()


def _usage_of_event(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    return as_served(read_usage(value.get("usage")), value)
