"""The dialect `gemini.count_tokens`: how many tokens a conversation has."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, TokenCount, Usage, chat_of

from .fields import NAME as CHAT
from .fields import Fields, body_fields, carry
from .generate_content import GenerateContentDialect
from .request import model_of, read_chat, write_chat
from .response import read_object
from .whole_answer import WholeAnswerDialect

NAME: Final = "gemini.count_tokens"
_NESTED: Final = "generateContentRequest"


class CountTokensDialect(WholeAnswerDialect):
    """`countTokens`, of contents alone or of a complete `generateContentRequest`."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "count_tokens"
    canonical: ClassVar[Canonical] = "count_tokens"
    tool_names: ClassVar[str] = GenerateContentDialect.tool_names
    incidental = WholeAnswerDialect.incidental | {
        *("cacheTokensDetails", "cachedContentTokenCount", "promptTokensDetails"),
        "totalBillableCharacters",
    }
    request_texts: ClassVar[tuple[str, ...]] = (
        "contents/*/parts/*/text",
        "generateContentRequest/contents/*/parts/*/text",
        "generateContentRequest/systemInstruction/parts/*/text",
    )

    flat: ClassVar[bool] = False
    """Whether a complete request's members are beside the contents."""

    def usage(self, body: bytes) -> Usage | None:
        read_count(body)
        return None

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = body_fields(tree)
        inner = fields.inner(_NESTED)
        if inner is None:
            return read_chat(fields, model_of(params))
        inner.rest["$nested"] = inner.text("model")
        return read_chat(inner, model_of(params))

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat = chat_of(request)
        losses: list[Loss] = []
        wire = carry(write_chat(chat, losses), chat.extensions)
        nested = "$nested" in chat.extensions.get(CHAT, {})
        if nested or (wire.keys() != {"contents"} and not self.flat):
            model = chat.extensions.get(CHAT, {}).get("$nested") or f"models/{chat.model}"
            wire = {_NESTED: {"model": model, **wire}}
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> TokenCount:
        return read_count(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, TokenCount):
            raise TypeError("a client that counts tokens gets a TokenCount")
        wire = {"totalTokens": response.input_tokens, **response.extensions.get(NAME, {})}
        return Rendered(msgspec.json.encode(wire))


class VertexCountTokensDialect(CountTokensDialect):
    """The same on Vertex AI."""

    name: ClassVar[str] = "gemini.count_tokens@vertex"
    flat: ClassVar[bool] = True


def read_count(body: bytes) -> TokenCount:
    """The count. Raises ValueError if the body has none."""
    fields = Fields(read_object(body), strict=False)
    try:
        total = fields.integer("totalTokens")
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    if total is None:
        if "error" in fields.rest:
            raise ValueError("it is an error")
        total = 0  # Google omits zeros
    return TokenCount(total, {NAME: fields.rest} if fields.rest else {})
