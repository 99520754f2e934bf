"""The dialect `openai.count_tokens`: how many input tokens a Responses request has."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Rendered
from jackfield.fields import carry, json_object
from jackfield.messages import ChatRequest, TokenCount, Usage, chat_of

from .responses import ResponsesDialect
from .responses_request import parse_request
from .responses_request_renderer import render_request
from .whole import WholeDialect

NAME = "openai.count_tokens"
_OF_THE_ANSWER = frozenset(
    (
        "include",
        "max_output_tokens",
        "metadata",
        "service_tier",
        "store",
        "stream",
        "temperature",
        "top_logprobs",
        "top_p",
        "user",
    )
)
"""Members that do not count as input, and that this API does not accept."""

_UNASKED: Final[Mapping[str, None]] = dict.fromkeys(("max_tokens", "temperature", "top_p"))
"""Fields that models limit; their losses do not affect the count."""


class CountTokensDialect(WholeDialect):
    """Counts input tokens. The request is that of the Responses API."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "count_tokens"
    canonical: ClassVar[Canonical] = "count_tokens"
    tool_names: ClassVar[str] = ResponsesDialect.tool_names
    request_texts: ClassVar[tuple[str, ...]] = ResponsesDialect.request_texts
    request_tools: ClassVar[tuple[str, ...]] = ResponsesDialect.request_tools

    def usage(self, body: bytes) -> Usage | None:
        """None: counting is free. Raises ValueError if the body is not a count."""
        self.parse_response(body)
        return None

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return parse_request(tree)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rendered = render_request(replace(chat_of(request), **_UNASKED))
        wire = msgspec.json.decode(rendered.body)
        kept = {key: value for key, value in wire.items() if key not in _OF_THE_ANSWER}
        return Rendered(msgspec.json.encode(kept), rendered.losses)

    def parse_response(self, body: bytes) -> TokenCount:
        tree = json_object(body)
        count = tree.pop("input_tokens", None)
        if type(count) is not int:
            raise ValueError("the response has no 'input_tokens'")
        return TokenCount(count, {NAME: tree})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, TokenCount):
            raise TypeError("a client that counts tokens gets a TokenCount")
        wire = {"object": "response.input_tokens", "input_tokens": response.input_tokens}
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))
