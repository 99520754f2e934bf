"""The dialect `cohere.count_tokens`: the tokens of a conversation's text, by Tokenize."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, json_object, object_fields
from jackfield.messages import (
    ChatRequest,
    Message,
    Part,
    Reasoning,
    Text,
    TokenCount,
    ToolCall,
    ToolResult,
    Usage,
)

from .chat_request import needed_model
from .json_dialect import JsonDialect

NAME: Final = "cohere.count_tokens"
_LONGEST: Final = 65_536
"""Maximum characters per Tokenize request."""


class CountTokensDialect(JsonDialect):
    """Tokenize, only as a target: its own clients want the tokens, which only Cohere has.

    It counts text only: the prompt template, tools and images are not counted, and this is reported
    as a loss of every request.
    """

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "count_tokens"
    canonical: ClassVar[Canonical] = "count_tokens"
    incidental = JsonDialect.incidental | {"meta", "token_strings", "tokens"}
    answer: ClassVar[str] = "tokens"
    request_texts: ClassVar[tuple[str, ...]] = ("text",)

    def usage(self, body: bytes) -> Usage | None:
        super().usage(body)
        return None

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = object_fields(tree)
        model = needed_model(fields)
        text = fields.needed_text("text")
        question = Message("user", (Text(text),))
        return ChatRequest(model, (question,), extensions={NAME: fields.rest})

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, ChatRequest):
            raise TypeError("the request is not one for a chat")
        texts = [text for message in request.messages for text in _texts(message.parts)]
        text = "\n".join(texts)
        detail = "of the text alone, without the template, tools and images"
        losses = [Loss("count_tokens", "messages", "approximated", detail)]
        if not text or len(text) > _LONGEST:
            detail = f"Cohere counts from 1 to {_LONGEST} characters, not {len(text)}"
            losses.append(Loss("count_tokens.length", "messages", "dropped", detail, breaks=True))
        body = {"model": request.model, "text": text}
        return Rendered(msgspec.json.encode(body), tuple(losses))

    def parse_response(self, body: bytes) -> TokenCount:
        fields = Fields(json_object(body), strict=False)
        tokens = fields.rest.get("tokens")
        if not isinstance(tokens, list):
            raise ValueError("the response has no 'tokens'")
        return TokenCount(len(tokens), {NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        kept = response.extensions.get(NAME, {})
        if "tokens" not in kept:
            raise InvalidRequest("Only Cohere can tokenize texts: use a provider of Cohere.")
        return Rendered(msgspec.json.encode(kept))


def _texts(parts: tuple[Part, ...]) -> list[str]:
    found: list[str] = []
    for part in parts:
        match part:
            case Text(text=text) | Reasoning(text=text) if text:
                found.append(text)
            case ToolCall():
                found.append(f"{part.name} {part.arguments}")
            case ToolResult():
                found += _texts(part.parts)
    return found
