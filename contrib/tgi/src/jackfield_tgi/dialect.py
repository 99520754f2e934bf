"""`tgi.generate`: the native protocol of Text Generation Inference, prompt in and text out.

Source: https://huggingface.co/docs/text-generation-inference, its OpenAPI description.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import GatewayError
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
from jackfield.messages import ChatRequest, ChatResponse, Usage, answer_of, chat_of
from jackfield.sse import encode

from .answers import read_response, usage_in, write_response
from .failures import read_error, write_error
from .reader import read_body, read_parameters, read_request
from .stream_reader import EventReader, UsageReader, ending_of
from .stream_writer import EventWriter, closing
from .usage import usage_in_headers
from .wire import NAME
from .writer import write_request


class Generate(Dialect):
    """The protocol of `/generate` and `/generate_stream`.

    The body names no model: the gateway's path does, `/tgi/models/{model}`, or its query.
    """

    name = NAME
    operation = "chat"
    request_texts: ClassVar[tuple[str, ...]] = ("inputs",)
    response_texts: ClassVar[tuple[str, ...]] = ("generated_text", "details/tokens/*/text")
    event_texts: ClassVar[tuple[str, ...]] = ("token/text", "generated_text")
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b'"generated_text"', b'"error"')
    stop_marker = closing()
    _listed = False

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """The model in the path, and the output limit."""
        body = read_body(tree)
        limit = read_parameters(body).max_new_tokens
        return Peek(params.get("model"), bool(body.stream), limit)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        """The body unchanged, as it names no model."""
        return body

    def terminal(self, event: bytes) -> Terminal | None:
        """The event with the complete text is the last; so is one with an error."""
        if b'"generated_text":null' in event:
            return None
        return ending_of(event)

    def usage(self, body: bytes) -> Usage | None:
        """The tokens in `details`."""
        return usage_in(body)

    def usage_meter(self) -> UsageMeter:
        """A new meter."""
        return UsageReader()

    def usage_with(self, usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
        """The usage with that of the headers, which also count the prompt."""
        return usage_in_headers(headers) or usage

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """`{"error", "error_type"}`."""
        return write_error(error)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        """The same as an event."""
        return encode(write_error(error))

    def is_error(self, tree: Any) -> bool:
        """Whether its `error` is a text, or several."""
        error = tree.get("error") if isinstance(tree, dict) else None
        return bool(error) and isinstance(error, str | list)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        """Parse an error in this form."""
        return read_error(status, body)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        """Make a conversation of one message."""
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        """Make one prompt from the conversation."""
        return write_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        """Parse a complete answer."""
        return read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        """Render a complete answer."""
        return write_response(answer_of(response), chat_of(request), listed=self._listed)

    def stream_parser(self) -> StreamParser:
        """A new parser."""
        return EventReader()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        """A new renderer."""
        return EventWriter(chat_of(request))


class Compat(Generate):
    """The protocol of `/`: the body says whether to stream; complete answers are in an array."""

    name = "tgi.compat"
    response_texts: ClassVar[tuple[str, ...]] = ("*/generated_text", "*/details/tokens/*/text")
    _listed = True


GENERATE = Generate()
COMPAT = Compat()
