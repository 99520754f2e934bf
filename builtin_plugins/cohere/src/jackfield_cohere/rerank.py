"""The dialect `cohere.rerank`: documents ordered by relevance to a query."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import uuid4

import msgspec

from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Rendered,
)
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import RankedDocument, RerankRequest, RerankResponse

from .chat_request import needed_model
from .json_dialect import JsonDialect
from .losses import lost_members
from .usage import read_meta, write_meta

NAME: Final = "cohere.rerank"
_RESULT: Final = frozenset({"index", "relevance_score", "document"})


class RerankDialect(JsonDialect):
    """Rerank. v1 accepts documents with fields, and returns them on request."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "rerank"
    canonical: ClassVar[Canonical] = "rerank"
    answer: ClassVar[str] = "results"
    request_texts: ClassVar[tuple[str, ...]] = ("query", "documents/*", "documents/*/*")
    response_texts: ClassVar[tuple[str, ...]] = ("results/*/document/*",)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> RerankRequest:
        fields = object_fields(tree)
        if params.get("version") == "v1":
            fields.rest["$v1"] = True
        return RerankRequest(
            model=needed_model(fields),
            query=fields.needed_text("query"),
            documents=_take_documents(fields),
            top_n=fields.integer("top_n"),
            return_documents=fields.flag("return_documents"),
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, RerankRequest):
            raise TypeError("the request is not one for a ranking")
        losses = lost_members(request.extensions, NAME)
        is_v1 = own(request.extensions, NAME).get("$v1", False)
        wire: dict[str, Any] = {
            "model": request.model,
            "query": request.query,
            "documents": [_write_document(one, is_v1, losses) for one in request.documents],
        }
        if request.top_n is not None:
            wire["top_n"] = request.top_n
        if request.return_documents is not None and NAME in request.extensions:
            wire["return_documents"] = request.return_documents
        carry(wire, request.extensions, NAME)
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> RerankResponse:
        fields = Fields(json_object(body), strict=False)
        results = fields.rest.pop("results", None)
        if not isinstance(results, list):
            raise ValueError("the response has no 'results'")
        usage = read_meta(fields.rest.get("meta"))
        if usage is not None:
            del fields.rest["meta"]
        read = tuple(_read_result(item) for item in results)
        extra = {
            str(item["index"]): rest
            for item in results
            if (rest := {k: v for k, v in item.items() if k not in _RESULT})
        }
        if extra:
            fields.rest["$results"] = extra
        return RerankResponse("", read, usage, fields.text("id"), {NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, RerankResponse):
            raise TypeError("a client that asks for a ranking gets a RerankResponse")
        requested = request if isinstance(request, RerankRequest) else None
        extra = own(response.extensions, NAME).get("$results", {})
        wire: dict[str, Any] = {
            "id": response.id or str(uuid4()),
            "results": [
                _write_result(one, requested) | extra.get(str(one.index), {})
                for one in response.results
            ],
            "meta": write_meta(response.usage, {"search_units": 1}),
        }
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))


def _take_documents(fields: Fields) -> tuple[str | Mapping[str, Any], ...]:
    documents = fields.rest.pop("documents", None)
    if not isinstance(documents, list):
        raise fields.wrong("documents", "an array")
    for i, document in enumerate(documents):
        if not isinstance(document, str | dict):
            where = f"documents[{i}]"
            raise InvalidRequest(f"'{where}' must be a string or an object.", param=where)
    return tuple(documents)


def _write_document(
    document: str | Mapping[str, Any], as_it_is: bool, losses: list[Loss]
) -> str | Mapping[str, Any]:
    """The document, unchanged in v1; as one text in v2, for which Cohere advises YAML."""
    if isinstance(document, str) or as_it_is:
        return document
    if document.keys() == {"text"} and isinstance(document["text"], str):
        return document["text"]
    loss = Loss("documents.fields", "documents", "approximated", "as YAML")
    if loss not in losses:
        losses.append(loss)
    return "\n".join(f"{key}: {_scalar(value)}" for key, value in document.items())


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _read_result(item: Any) -> RankedDocument:
    index = item.get("index") if isinstance(item, dict) else None
    score = item.get("relevance_score") if isinstance(item, dict) else None
    if type(index) is not int or not isinstance(score, int | float):
        raise ValueError("an element of 'results' has no 'index' or no 'relevance_score'")
    document = item.get("document")
    return RankedDocument(index, score, document if isinstance(document, str | dict) else None)


def _write_result(ranked: RankedDocument, requested: RerankRequest | None) -> dict[str, Any]:
    wire: dict[str, Any] = {"index": ranked.index, "relevance_score": ranked.score}
    document = ranked.document
    if document is None and requested is not None and requested.return_documents:
        in_range = 0 <= ranked.index < len(requested.documents)
        document = requested.documents[ranked.index] if in_range else None
    if document is not None:
        wire["document"] = {"text": document} if isinstance(document, str) else document
    return wire
