"""The dialect `openai.chat`: OpenAI's Chat Completions API and everything compatible with it."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield import sse
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.errors import GatewayError
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from . import failures
from .chat_chunks import ChatStreamRenderer
from .chat_parts import NAME
from .chat_request import peek_chat, read_request, write_request
from .chat_response import read_response, write_response
from .chat_stream import ChatStreamParser
from .custom_calls import restored_stream
from .losses import OF_CHUNKS
from .tool_texts import IN_MESSAGES
from .usage import TOOLS_USED, ChunkMeter, by_model, in_tier, usage_of_answer

_MESSAGE_TEXTS = (
    "content",
    "content/*/text",
    "content/*/refusal",
    "content/*/thinking/*/text",
    "content/*/summary/*/text",
    "refusal",
    "reasoning_content",
    "reasoning",
)

_NO_CHOICES: Final = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class ChunkedDialect(Dialect):
    """The common part of dialects that stream JSON chunks with `choices` and end in `[DONE]`."""

    incidental = Dialect.incidental | OF_CHUNKS
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"[DONE]", b"error", b'"message"', b'"detail"')
    stop_marker: ClassVar[bytes] = b"data: [DONE]\n\n"

    def terminal(self, event: bytes) -> Terminal | None:
        """`[DONE]` ends a stream; an `error` aborts it, whatever its event is called.

        vLLM, SGLang and LM Studio send an object that is marked as an error.
        """
        data = sse.data_of(event)
        if data is None:
            return None
        if data.strip() == b"[DONE]":
            return "end"
        if event.startswith(b"event: error"):
            return "error"
        if b'"error"' in data or b'"choices"' not in data:
            return None if failures.error_in(_decoded(data)) is None else "error"
        return None

    def finishes(self, event: bytes) -> bool:
        """Whether a choice stopped. GPUStack, Perplexity and Writer omit `[DONE]`."""
        if event.count(b'"finish_reason"') == event.count(b'"finish_reason":null'):
            return False
        chunk = _decoded(sse.data_of(event) or b"")
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if not isinstance(choices, list):
            return False
        return any(isinstance(c, dict) and c.get("finish_reason") for c in choices)

    def is_usage_event(self, event: bytes) -> bool:
        """Whether it has usage but no choices; Azure's content filters come without choices too."""
        if b'"choices"' not in event or not _NO_CHOICES.search(event):
            return False
        chunk = _decoded(sse.data_of(event) or b"")
        return isinstance(chunk, dict) and isinstance(chunk.get("usage"), dict)

    def usage(self, body: bytes) -> Usage | None:
        return usage_of_answer(body)

    def usage_meter(self) -> UsageMeter:
        return ChunkMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def is_error(self, tree: Any) -> bool:
        """Whether it, or one of its choices, has an `error`."""
        return super().is_error(tree) or (
            isinstance(tree, dict) and failures.choice_error(tree) is not None
        )

    def is_error_event(self, event: bytes) -> bool:
        """Whether it has an `error` object: OpenAI's SDK takes any other event for a chunk."""
        chunk = _decoded(sse.data_of(event) or b"")
        return isinstance(chunk, dict) and isinstance(chunk.get("error"), dict)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except failures.UNREADABLE:
        return None


class ChatDialect(ChunkedDialect):
    """Chat Completions.

    A body that passes through the canonical form comes back as the same JSON, plus what clients
    rely on and some providers omit: the `type` of tools and calls, ids of calls and answers, a
    `content`, the `arguments` of a call, the position and title of a citation.
    """

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    understood = frozenset({"openai.responses.moderation"})
    tool_names: ClassVar[str] = r"[a-zA-Z0-9_-]{1,64}"
    usage_switch: ClassVar[Path] = ("stream_options", "include_usage")
    output_limit: ClassVar[Path] = ("max_completion_tokens",)
    document_urls: ClassVar[bool] = False
    request_texts: ClassVar[tuple[str, ...]] = (
        *(f"messages/*/{path}" for path in _MESSAGE_TEXTS),
        "prediction/content",
        "prediction/content/*/text",
    )
    response_texts: ClassVar[tuple[str, ...]] = (
        *(f"choices/*/message/{path}" for path in _MESSAGE_TEXTS),
        "choices/*/message/audio/transcript",
    )
    event_texts: ClassVar[tuple[str, ...]] = (
        *(f"choices/*/delta/{path}" for path in _MESSAGE_TEXTS),
        "choices/*/delta/audio/transcript",
    )
    request_tools: ClassVar[tuple[str, ...]] = tuple(f"messages/*/{path}" for path in IN_MESSAGES)
    response_tools: ClassVar[tuple[str, ...]] = tuple(
        f"choices/*/message/{path}" for path in IN_MESSAGES
    )
    event_tools: ClassVar[tuple[str, ...]] = tuple(
        f"choices/*/delta/{path}" for path in IN_MESSAGES
    )

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_chat(tree, params)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return write_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        answer = answer_of(response)
        beside = answer.extensions[NAME]
        usage, parts = (
            in_tier(answer.usage, beside.get("service_tier")),
            beside.get("usage_breakdown"),
        )
        return usage if parts is None else by_model(usage, parts, used_tools=TOOLS_USED in body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response), chat_of(request))

    def stream_parser(self) -> StreamParser:
        return ChatStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        chat = chat_of(request)
        return restored_stream(ChatStreamRenderer(chat), chat.tools)
