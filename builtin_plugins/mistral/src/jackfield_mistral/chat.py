"""The dialect `mistral.chat`: Mistral's variant of OpenAI's Chat Completions."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UsageMeter,
    installed,
)
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of

from .dialect import MistralDialect
from .names import CHAT
from .request_reader import read_request
from .request_writer import write_request
from .response import read_response, write_response
from .stream_parser import ChatStreamParser, is_failure
from .stream_renderer import ChatStreamRenderer

_OPENAI: Final = installed("openai.chat")


class ChatDialect(MistralDialect):
    """Chat. What both vendors have in common is handled by OpenAI's dialect.

    A body that passes through the canonical form comes back as the same JSON, plus what clients
    rely on and some providers omit: the `type` of tools and calls, ids of calls, a `content`.
    """

    name: ClassVar[str] = CHAT
    operation: ClassVar[str] = "chat"
    incidental = _OPENAI.incidental | {"closed"}
    tool_names: ClassVar[str] = r"[a-zA-Z0-9_-]{1,64}"
    output_limit: ClassVar[Path] = ("max_tokens",)
    request_texts = (*_OPENAI.request_texts, "messages/*/content/*/thinking")
    response_texts = _OPENAI.response_texts
    event_texts = (*_OPENAI.event_texts, "choices/*/delta/content/*/thinking/*/text")
    request_tools = _OPENAI.request_tools
    response_tools = _OPENAI.response_tools
    event_tools = _OPENAI.event_tools
    terminal_hints = _OPENAI.terminal_hints
    stop_marker = _OPENAI.stop_marker

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return _OPENAI.peek(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        """`[DONE]` ends a stream; an error aborts it, in OpenAI's form or in Mistral's."""
        if b'"error"' in event and is_failure(event):
            return "error"
        return _OPENAI.terminal(event)

    def finishes(self, event: bytes) -> bool:
        return _OPENAI.finishes(event)

    def usage(self, body: bytes) -> Usage | None:
        return _OPENAI.usage(body)

    def usage_meter(self) -> UsageMeter:
        return _OPENAI.usage_meter()

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, ChatRequest):
            raise TypeError("the request is not one for a chat")
        return write_request(request)

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response), request)

    def stream_parser(self) -> StreamParser:
        return ChatStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return ChatStreamRenderer(request)
