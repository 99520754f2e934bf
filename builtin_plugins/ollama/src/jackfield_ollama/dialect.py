"""The dialects `ollama.chat` and `ollama.generate`: JSON in, one object or lines out."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
)
from jackfield.fields import json_object
from jackfield.framing import Framing
from jackfield.json_spans import Path
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of

from .answer import read_answer, write_answer
from .chat_request import read_chat, write_chat
from .generate_request import read_generate, write_generate
from .lines import LINES
from .losses import INCIDENTAL
from .ollama_dialect import OllamaDialect
from .options import peek_lines
from .shapes import CHAT_SHAPE, GENERATE_SHAPE, ChatShape
from .stream_parser import LineParser
from .stream_renderer import LineRenderer
from .usage import take_usage


class _Answer(msgspec.Struct):
    """The members that tell an answer from an error, and its counts; the rest must be JSON."""

    message: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    image: msgspec.Raw = msgspec.Raw()
    prompt_eval_count: Any = None
    prompt_eval_cached_count: Any = None
    eval_count: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


class LinesDialect(OllamaDialect):
    """The common part of chats and generations: they stream by default and end in `done`."""

    shape: ClassVar[ChatShape]
    output_limit: ClassVar[Path] = ("options", "num_predict")
    incidental = OllamaDialect.incidental | INCIDENTAL
    image_urls: ClassVar[bool] = False
    document_urls: ClassVar[bool] = False
    framing: Framing = LINES
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"true", b'"error"')

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_lines(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        """`"done": true` ends a stream; a line with an `error` aborts it."""
        if b"true" not in event and b'"error"' not in event:
            return None
        try:
            line = json_object(event)
        except ValueError:
            return None
        if line.get("error"):
            return "error"
        return "end" if line.get("done") is True else None

    def usage(self, body: bytes) -> Usage | None:
        try:
            answer = _read_answer(body)
        except msgspec.DecodeError as error:
            raise ValueError("the answer is not a JSON object") from error
        contents = (bytes(answer.message)[:1], bytes(answer.response)[:1], bytes(answer.image)[:1])
        if contents[0] != b"{" and b'"' not in contents[1:]:
            raise ValueError("it says nothing")
        return take_usage(msgspec.structs.asdict(answer))

    def parse_response(self, body: bytes) -> ChatResponse:
        return read_answer(body, self.shape)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return write_answer(answer_of(response), chat_of(request), self.shape)

    def stream_parser(self) -> StreamParser:
        return LineParser(self.shape)

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return LineRenderer(chat_of(request), self.shape)


class ChatDialect(LinesDialect):
    """`POST /api/chat`.

    A body that passes through the canonical form comes back as the same JSON, plus optional
    members: a message's `content`, a call's `arguments`.
    """

    name: ClassVar[str] = "ollama.chat"
    operation: ClassVar[str] = "chat"
    shape: ClassVar[ChatShape] = CHAT_SHAPE
    stop_marker: ClassVar[bytes] = (
        b'{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}\n'
    )
    request_texts: ClassVar[tuple[str, ...]] = ("messages/*/content", "messages/*/thinking")
    response_texts: ClassVar[tuple[str, ...]] = ("message/content", "message/thinking")
    event_texts: ClassVar[tuple[str, ...]] = ("message/content", "message/thinking")
    request_tools: ClassVar[tuple[str, ...]] = ("messages/*/tool_calls/*/function/arguments/**",)
    response_tools: ClassVar[tuple[str, ...]] = ("message/tool_calls/*/function/arguments/**",)
    event_tools: ClassVar[tuple[str, ...]] = ("message/tool_calls/*/function/arguments/**",)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_chat(tree)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return write_chat(chat_of(request))


class GenerateDialect(LinesDialect):
    """`POST /api/generate`, as a chat with one question that holds its own fields."""

    name: ClassVar[str] = "ollama.generate"
    operation: ClassVar[str] = "completions"
    shape: ClassVar[ChatShape] = GENERATE_SHAPE
    stop_marker: ClassVar[bytes] = b'{"response":"","done":true,"done_reason":"stop"}\n'
    request_texts: ClassVar[tuple[str, ...]] = ("prompt", "system", "suffix")
    response_texts: ClassVar[tuple[str, ...]] = ("response", "thinking")
    event_texts: ClassVar[tuple[str, ...]] = ("response", "thinking")

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_generate(tree)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return write_generate(chat_of(request))
