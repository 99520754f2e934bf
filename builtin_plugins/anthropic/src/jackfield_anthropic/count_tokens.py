"""The dialect `anthropic.count_tokens`: how many input tokens a Messages request has."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Peek,
    Rendered,
    Terminal,
    UsageMeter,
)
from jackfield.framing import SSE
from jackfield.messages import ChatRequest, TokenCount, Usage, chat_of

from .dialect import AnthropicDialect
from .fields import NAME, UNREADABLE, carry
from .messages import MessagesDialect
from .messages_request import peek_messages, read_request, version_of
from .messages_request_writer import write_request
from .messages_usage import MessagesMeter

_NOT_COUNTED = ("max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "stream")
_NOT_COUNTED_FOREIGN = (*_NOT_COUNTED, "metadata", "service_tier")
_COUNTED = ("messages", "tools", "server_state")


class CountTokensDialect(AnthropicDialect):
    """Counting tokens: the request is that of Messages, the answer a number."""

    name: ClassVar[str] = "anthropic.count_tokens"
    operation: ClassVar[str] = "count_tokens"
    canonical: ClassVar[Canonical] = "count_tokens"
    tool_names: ClassVar[str] = MessagesDialect.tool_names
    cloud: ClassVar[str | None] = None
    request_texts: ClassVar[tuple[str, ...]] = MessagesDialect.request_texts
    request_tools: ClassVar[tuple[str, ...]] = MessagesDialect.request_tools

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return peek_messages(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        """None: counting is free. Raises ValueError if the body is not a count."""
        _read(body)
        return None

    def usage_meter(self) -> UsageMeter:
        return MessagesMeter(SSE)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return read_request(tree, params)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat = chat_of(request)
        wire, losses = write_request(chat)
        losses = [loss for loss in losses if loss.path.startswith(_COUNTED)]
        for key in _NOT_COUNTED if NAME in chat.extensions else _NOT_COUNTED_FOREIGN:
            wire.pop(key, None)
        if self.cloud is not None:
            wire["anthropic_version"] = version_of(chat, self.cloud)
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> TokenCount:
        tree = _read(body)
        rest = {key: value for key, value in tree.items() if key != "input_tokens"}
        return TokenCount(tree["input_tokens"], {NAME: rest} if rest else {})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, TokenCount):
            raise TypeError("a client that counts tokens gets a TokenCount")
        wire = {"input_tokens": response.input_tokens}
        return Rendered(msgspec.json.encode(carry(wire, response.extensions)))


class VertexCountTokensDialect(CountTokensDialect):
    """Counting on Vertex AI: the body also has the version of the API."""

    name: ClassVar[str] = "anthropic.count_tokens@vertex"
    cloud: ClassVar[str | None] = "vertex"


def _read(body: bytes) -> dict[str, Any]:
    try:
        tree = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not JSON") from error
    if not isinstance(tree, dict) or type(tree.get("input_tokens")) is not int:
        raise ValueError("the answer has no input_tokens")
    return tree
