"""The dialect `openai.rerank`: documents ordered by relevance to a query.

OpenAI has no such API. Compatible servers share Jina's, which vLLM, llama.cpp, Together, OpenRouter
and others adopted; Voyage has `top_k` and `data` for `top_n` and `results`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import RankedDocument, RerankRequest, RerankResponse, Usage

from .chat_request import peek_model
from .losses import extension_losses
from .usage import EXTENSION, read_usage, write_usage
from .whole import WholeDialect

NAME = "openai.rerank"
_LIMITS = ("top_n", "top_k")
_LISTS = ("results", "data")


class RerankDialect(WholeDialect):
    """Rerank."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "rerank"
    canonical: ClassVar[Canonical] = "rerank"
    request_texts: ClassVar[tuple[str, ...]] = ("query", "documents/*", "documents/*/text")
    response_texts: ClassVar[tuple[str, ...]] = tuple(
        f"{place}/*/{document}" for place in _LISTS for document in ("document", "document/text")
    )

    def usage(self, body: bytes) -> Usage | None:
        return self.parse_response(body).usage

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> RerankRequest:
        fields = object_fields(tree)
        limits = [key for key in _LIMITS if fields.rest.get(key) is not None]
        limit = fields.integer(limits[0]) if limits else None
        if limits:
            fields.rest["$limit"] = limits[0]
        return RerankRequest(
            model=peek_model(fields, params),
            query=fields.needed_text("query"),
            documents=_take_documents(fields),
            top_n=limit,
            return_documents=fields.flag("return_documents"),
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rerank = _rerank_of(request)
        wire: dict[str, Any] = {
            "model": rerank.model,
            "query": rerank.query,
            "documents": list(rerank.documents),
        }
        if rerank.top_n is not None:
            wire[own(rerank.extensions, NAME).get("$limit", "top_n")] = rerank.top_n
        if rerank.return_documents is not None:
            wire["return_documents"] = rerank.return_documents
        losses = tuple(extension_losses(rerank.extensions, NAME))
        return Rendered(msgspec.json.encode(carry(wire, rerank.extensions, NAME)), losses)

    def parse_response(self, body: bytes) -> RerankResponse:
        fields = Fields(json_object(body), strict=False)
        place = next((key for key in _LISTS if isinstance(fields.rest.get(key), list)), None)
        if place is None:
            raise ValueError("the response has no 'results'")
        ranked = [_read_ranked(item) for item in fields.rest.pop(place)]
        usage = read_usage(fields.rest.get("usage"))
        if usage is not None:
            del fields.rest["usage"]
        return RerankResponse(
            model=fields.text("model") or "",
            results=tuple(sorted(ranked, key=lambda one: -one.score)),
            usage=usage,
            id=fields.text("id"),
            extensions={NAME: {**fields.rest, "$place": place}},
        )

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        rerank = _rerank_of(request)
        if not isinstance(response, RerankResponse):
            raise TypeError("a rerank client gets a RerankResponse")
        place = own(response.extensions, NAME).get("$place")
        if place is None:
            place = "data" if own(rerank.extensions, NAME).get("$limit") == "top_k" else "results"
        identity = response.id
        if identity is None and NAME not in response.extensions:
            identity = f"rerank-{uuid4().hex}"
        wire: dict[str, Any] = {
            **({"object": "list"} if place == "data" else {"id": identity} if identity else {}),
            "model": response.model or rerank.model,
            place: [_write_ranked(one, rerank) for one in response.results],
        }
        if response.usage is not None:
            wire["usage"] = _write_usage(response.usage)
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))


def _rerank_of(request: CanonicalRequest) -> RerankRequest:
    if not isinstance(request, RerankRequest):
        raise TypeError("the request is not one to rerank")
    return request


def _take_documents(fields: Fields) -> tuple[str | Mapping[str, Any], ...]:
    value = fields.rest.pop("documents", None)
    if not isinstance(value, list) or not value:
        raise fields.wrong("documents", "an array of strings or objects")
    for i, item in enumerate(value):
        if not isinstance(item, str | dict):
            where = f"documents[{i}]"
            raise InvalidRequest(f"'{where}' must be a string or an object.", param=where)
    return tuple(value)


def _read_ranked(item: Any) -> RankedDocument:
    index = item.get("index") if isinstance(item, dict) else None
    score = item.get("relevance_score") if isinstance(item, dict) else None
    if type(index) is not int or not isinstance(score, int | float):
        raise ValueError("a result has no 'index' or no 'relevance_score'")
    document = item.get("document")
    if isinstance(document, dict) and document.keys() == {"text"}:
        document = document["text"]
    return RankedDocument(index, score, document if isinstance(document, str | dict) else None)


def _write_ranked(one: RankedDocument, rerank: RerankRequest) -> dict[str, Any]:
    wire: dict[str, Any] = {"index": one.index, "relevance_score": one.score}
    document = one.document
    if document is None and rerank.return_documents and 0 <= one.index < len(rerank.documents):
        document = rerank.documents[one.index]
    if document is not None and rerank.return_documents is not False:
        wire["document"] = {"text": document} if isinstance(document, str) else document
    return wire


def _write_usage(usage: Usage) -> Mapping[str, Any]:
    if EXTENSION in usage.extensions:
        return write_usage(usage)
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.total_tokens}
