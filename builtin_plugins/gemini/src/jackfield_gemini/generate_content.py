"""The dialect `gemini.generate_content`, streamed as server-sent events or as one JSON array."""

from collections.abc import Mapping
from typing import Any, ClassVar

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
)
from jackfield.dialects import UsageMeter as Meter
from jackfield.errors import GatewayError
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from . import failures
from .fields import NAME, camel, object_in
from .json_array import JSON_ARRAY, ArrayWriter, SseWriter
from .losses import INCIDENTAL
from .model_name import with_model
from .request import peek_request, read_request, write_request
from .response import block_reason, read_response, write_response
from .stream_parser import GenerateStreamParser
from .stream_renderer import EventWriter, GenerateStreamRenderer
from .usage import UsageMeter, usage_of_answer

_PART_TEXTS = ("text", "functionResponse/response/output", "functionResponse/response/error")
_SNAKE_TEXTS = ("function_response/response/output", "function_response/response/error")
_PART_TOOLS = (
    "functionCall/args/**",
    "functionCall/partialArgs/*/stringValue",
    "functionResponse/response/**",
    "executableCode/code",
    "codeExecutionResult/output",
    "function_call/args/**",
    "function_response/response/**",
    "executable_code/code",
    "code_execution_result/output",
)
_ANSWER_TEXTS = ("candidates/*/content/parts/*/text",)
_ANSWER_TOOLS = tuple(f"candidates/*/content/parts/*/{path}" for path in _PART_TOOLS)


class GenerateContentDialect(Dialect):
    """Generate content, complete or as server-sent events.

    A body that passes through the canonical form comes back as the same JSON, except that names are
    in camel case, a lone object becomes an array of one and the role of a content is explicit.
    """

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    incidental = Dialect.incidental | INCIDENTAL
    # Up to 128 as it is documented now; it has refused names of more than 64.
    tool_names: ClassVar[str] = r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"
    output_limit: ClassVar[Path] = ("generationConfig", "maxOutputTokens")
    request_texts: ClassVar[tuple[str, ...]] = (
        *(f"contents/*/parts/*/{path}" for path in (*_PART_TEXTS, *_SNAKE_TEXTS)),
        "contents/parts/text",
        "contents/parts/*/text",
        "contents/*/parts/text",
        "systemInstruction/parts/*/text",
        "systemInstruction/parts/text",
        "system_instruction/parts/*/text",
        "system_instruction/parts/text",
    )
    response_texts: ClassVar[tuple[str, ...]] = _ANSWER_TEXTS
    event_texts: ClassVar[tuple[str, ...]] = _ANSWER_TEXTS
    request_tools: ClassVar[tuple[str, ...]] = tuple(
        f"{parts}/{path}"
        for parts in ("contents/*/parts/*", "contents/parts/*", "contents/*/parts")
        for path in _PART_TOOLS
    )
    response_tools: ClassVar[tuple[str, ...]] = _ANSWER_TOOLS
    event_tools: ClassVar[tuple[str, ...]] = _ANSWER_TOOLS
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b'"error"',)

    def output_limit_in(self, tree: Any) -> Path:
        path: list[str | int] = []
        for name in self.output_limit:
            spellings = [key for key in tree if camel(key) == name] if type(tree) is dict else []
            if len(spellings) > 1:
                return ()  # it is unknown which one Google uses
            path += spellings or [name]
            tree = tree.get(path[-1]) if type(tree) is dict else None
        return tuple(path)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_request(tree, params)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return with_model(body, old, new)

    def terminal(self, event: bytes) -> Terminal | None:
        """An `error` aborts a stream; nothing marks a normal end."""
        data = self.framing.data_of(event)
        if data is None or b'"error"' not in data:
            return None
        return "error" if object_in(data).get("error") else None

    def finishes(self, event: bytes) -> bool:
        """Whether a candidate finished or the prompt was blocked."""
        if b"finishReason" not in event and b"blockReason" not in event:
            return False
        chunk = object_in(self.framing.data_of(event) or b"")
        if block_reason(chunk) is not None:
            return True
        candidates = chunk.get("candidates")
        if not isinstance(candidates, list):
            return False
        return any(isinstance(c, dict) and c.get("finishReason") is not None for c in candidates)

    def usage(self, body: bytes) -> Usage | None:
        return usage_of_answer(body)

    def usage_meter(self) -> Meter:
        return UsageMeter(self.framing)

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return SseWriter().event(failures.render_error(error, request_id))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return write_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_response(answer_of(response), chat_of(request))

    def stream_parser(self) -> StreamParser:
        return GenerateStreamParser(self.framing)

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return GenerateStreamRenderer(chat_of(request), self.event_writer())

    def event_writer(self) -> EventWriter:
        """The writer of one stream's elements."""
        return SseWriter()


class ArrayDialect(GenerateContentDialect):
    """The same, streamed as one JSON array; with `alt=sse` in the query it is `events` instead."""

    framing = JSON_ARRAY
    stop_marker: ClassVar[bytes] = b"\n]"

    def __init__(self, events: GenerateContentDialect) -> None:
        self._events = events

    def variant(self, params: Mapping[str, str]) -> Dialect:
        return self._events if params.get("alt") == "sse" else self

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """The last element: errors are sent as events only after others."""
        return b",\r\n" + failures.render_error(error, request_id) + b"\n]"

    def event_writer(self) -> EventWriter:
        return ArrayWriter()
