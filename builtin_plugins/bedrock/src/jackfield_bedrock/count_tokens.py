"""The dialect `bedrock.count_tokens`: CountTokens, for Converse or InvokeModel bodies."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields
from jackfield.messages import ChatRequest, TokenCount, chat_of

from .converse import ConverseDialect
from .converse_request import read_conversation, write_conversation
from .invoke import InvokeDialect
from .non_streaming import NonStreamingDialect

NAME: Final = "bedrock.count_tokens"
_COUNTED: Final = ("messages", "system", "toolConfig", "additionalModelRequestFields")
_INVOKE: Final = InvokeDialect()


class CountTokensDialect(NonStreamingDialect):
    """CountTokens. Settings that limit the answer are not counted."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "count_tokens"
    canonical: ClassVar[Canonical] = "count_tokens"
    tool_names: ClassVar[str] = ConverseDialect.tool_names
    image_urls: ClassVar[bool] = False
    document_urls: ClassVar[bool] = False
    request_texts: ClassVar[tuple[str, ...]] = (
        "input/converse/system/*/text",
        "input/converse/messages/*/content/*/text",
    )
    request_tools: ClassVar[tuple[str, ...]] = (
        "input/converse/messages/*/content/*/toolUse/input/**",
        "input/converse/messages/*/content/*/toolResult/content/*/text",
        "input/converse/messages/*/content/*/toolResult/content/*/json/**",
    )

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        counted = object_fields(tree).table("input") or {}
        if isinstance(counted.get("converse"), dict):
            return read_conversation(Fields(counted["converse"], "input.converse"), params)
        invoked = counted.get("invokeModel")
        if isinstance(invoked, dict):
            return _invoked(invoked.get("body"), params)
        raise InvalidRequest("'input' must hold 'converse' or 'invokeModel'.", param="input")

    def render_request(self, request: CanonicalRequest) -> Rendered:
        losses: list[Loss] = []
        chat = replace(chat_of(request), response_format=None)
        wire = write_conversation(chat, losses)
        counted = {key: wire[key] for key in _COUNTED if key in wire}
        kept = tuple(loss for loss in losses if loss.breaks or loss.path.startswith("messages"))
        return Rendered(msgspec.json.encode({"input": {"converse": counted}}), kept)

    def parse_response(self, body: bytes) -> TokenCount:
        tree = json_object(body)
        count = tree.pop("inputTokens", None)
        if type(count) is not int:
            raise ValueError("the response has no 'inputTokens'")
        return TokenCount(count, {NAME: tree} if tree else {})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, TokenCount):
            raise TypeError("a client of CountTokens gets a TokenCount")
        wire = {"inputTokens": response.input_tokens}
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))


def _invoked(body: Any, params: Mapping[str, str]) -> ChatRequest:
    """The conversation in an InvokeModel body."""
    where = "input.invokeModel.body"
    try:
        tree = msgspec.json.decode(b64decode(body, validate=True))
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequest(f"'{where}' must be JSON in base64.", param=where) from None
    dialect = _INVOKE.variant(params)
    request = dialect.parse_request(tree, params) if dialect.translates else None
    if not isinstance(request, ChatRequest):
        raise InvalidRequest(f"'{where}' is not a conversation that can be counted.", param=where)
    return request
