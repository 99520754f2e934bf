"""The dialect `cloudflare.rerank`: contexts ordered by relevance to a query."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield import GatewayError, InvalidRequest
from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Loss,
    Peek,
    Rendered,
    UpstreamFailure,
    UsageMeter,
    installed,
)
from jackfield.fields import carry, object_fields
from jackfield.losses import lost_member
from jackfield.messages import RankedDocument, RerankRequest, RerankResponse, Usage

from .envelope import parse_error, render_error, result_of, usage_in, wrapped

NAME: Final = "cloudflare.rerank"
_OPENAI = installed("openai.rerank")


class RerankDialect(Dialect):
    """Reranking. The path names the model."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "rerank"
    canonical: ClassVar[Canonical] = "rerank"
    request_texts: ClassVar[tuple[str, ...]] = ("query", "contexts/*/text")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        object_fields(tree)
        return Peek(params["model"])

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body  # the path names it

    def usage(self, body: bytes) -> Usage | None:
        return self.parse_response(body).usage

    def usage_meter(self) -> UsageMeter:
        return _OPENAI.usage_meter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return render_error(error, request_id)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return parse_error(status, body)

    def is_error(self, tree: Any) -> bool:
        """Whether it contains an error."""
        return isinstance(tree, dict) and bool(tree.get("errors"))

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> RerankRequest:
        fields = object_fields(tree)
        return RerankRequest(
            model=params["model"],
            query=fields.needed_text("query"),
            documents=tuple(map(_text_of, fields.items("contexts"))),
            top_n=fields.integer("top_k"),
            extensions=fields.extensions(NAME),
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        wanted = _rerank_request(request)
        losses = [
            lost_member(dialect, key, value)
            for dialect, members in wanted.extensions.items()
            for key, value in members.items()
            if dialect != NAME and not key.startswith("$")
        ]
        contexts = [{"text": _document_text(one, losses)} for one in wanted.documents]
        wire: dict[str, Any] = {"query": wanted.query, "contexts": contexts}
        if wanted.top_n is not None:
            wire["top_k"] = wanted.top_n
        return Rendered(msgspec.json.encode(carry(wire, wanted.extensions, NAME)), tuple(losses))

    def parse_response(self, body: bytes) -> RerankResponse:
        result = result_of(body)
        ranked = result.get("response")
        if not isinstance(ranked, list):
            raise ValueError("the result has no 'response'")
        best = sorted(map(_ranked, ranked), key=lambda one: -one.score)
        return RerankResponse("", tuple(best), usage_in(result))

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, RerankResponse):
            raise TypeError("a client that ranks gets a RerankResponse")
        ranked = [{"id": one.index, "score": one.score} for one in response.results]
        return Rendered(wrapped({"response": ranked}))


def _rerank_request(request: CanonicalRequest) -> RerankRequest:
    if not isinstance(request, RerankRequest):
        raise TypeError("the request is not one to rank")
    return request


def _text_of(context: Any) -> str:
    text = context.get("text") if isinstance(context, dict) else None
    if not isinstance(text, str):
        raise InvalidRequest("'contexts' must be objects with a 'text'.", param="contexts")
    return text


def _document_text(document: str | Mapping[str, Any], losses: list[Loss]) -> str:
    if isinstance(document, str):
        return document
    text = document.get("text")
    if isinstance(text, str) and len(document) == 1:
        return text
    losses.append(Loss("documents.fields", "documents", "approximated", "as JSON"))
    return msgspec.json.encode(document).decode()


def _ranked(one: Any) -> RankedDocument:
    index = one.get("id") if isinstance(one, dict) else None
    score = one.get("score") if isinstance(one, dict) else None
    if type(index) is not int or not isinstance(score, int | float):
        raise ValueError("a context has no 'id' or no 'score'")
    return RankedDocument(index, score)


RERANK = RerankDialect()
