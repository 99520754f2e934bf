"""The dialect `bedrock.rerank`: Rerank of Bedrock's agent runtime."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import carry, json_object, object_fields, own
from jackfield.messages import RankedDocument, RerankRequest, RerankResponse

from .converse_losses import lost_members
from .converse_members import ADDITIONAL, Path, at
from .non_streaming import NonStreamingDialect

NAME: Final = "bedrock.rerank"
_CONFIG: Final = ("rerankingConfiguration", "bedrockRerankingConfiguration")
_MODEL: Final[Path] = (*_CONFIG, "modelConfiguration", "modelArn")
Document = str | Mapping[str, Any]


class RerankDialect(NonStreamingDialect):
    """Rerank. Its model may be named by ARN, as in the SDK, or by any name."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "rerank"
    canonical: ClassVar[Canonical] = "rerank"
    request_texts: ClassVar[tuple[str, ...]] = (
        "queries/*/textQuery/text",
        "sources/*/inlineDocumentSource/textDocument/text",
    )

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(_model(object_fields(tree).rest))

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> RerankRequest:
        fields = object_fields(tree)
        queries, sources = fields.items("queries"), fields.items("sources")
        query = at(queries[0], ("textQuery", "text")) if len(queries) == 1 else None
        if not isinstance(query, str):
            raise fields.wrong("queries", "an array of one text query")
        config = at(fields.rest, _CONFIG)
        top_n = config.get("numberOfResults")
        added = at(config, ("modelConfiguration", ADDITIONAL))
        if top_n is not None and type(top_n) is not int:
            raise InvalidRequest("'numberOfResults' must be an integer.", param="numberOfResults")
        return RerankRequest(
            model=_model(fields.rest),
            query=query,
            documents=tuple(_read_source(source, i) for i, source in enumerate(sources)),
            top_n=top_n,
            extensions={NAME: {ADDITIONAL: added} if added else {}},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rerank_request = rerank_of(request)
        model = {"modelArn": rerank_request.model, **own(rerank_request.extensions, NAME)}
        inner: dict[str, Any] = {"modelConfiguration": model}
        if rerank_request.top_n is not None:
            inner["numberOfResults"] = rerank_request.top_n
        wire = {
            "queries": [{"type": "TEXT", "textQuery": {"text": rerank_request.query}}],
            "sources": [
                {"type": "INLINE", "inlineDocumentSource": _write_document(document)}
                for document in rerank_request.documents
            ],
            _CONFIG[0]: {"type": "BEDROCK_RERANKING_MODEL", _CONFIG[1]: inner},
        }
        losses = lost_members(rerank_request.extensions, NAME)
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> RerankResponse:
        tree = json_object(body)
        results = tree.pop("results", None)
        if not isinstance(results, list):
            raise ValueError("the response has no 'results'")
        ranked = tuple(_read_result(result) for result in results)
        return RerankResponse("", ranked, extensions={NAME: tree})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer = ranking_of(response)
        wire = {"results": [_write_result(result) for result in answer.results]}
        return Rendered(msgspec.json.encode(carry(wire, answer.extensions, NAME)))


def _model(tree: Mapping[str, Any]) -> str:
    model = at(tree, _MODEL)
    if not isinstance(model, str) or not model:
        where = ".".join(_MODEL)
        raise InvalidRequest(f"The request names no model: set '{where}'.", param=where)
    return model


def _read_source(source: Any, place: int) -> Document:
    document = at(source, ("inlineDocumentSource",))
    text, fields = at(document, ("textDocument", "text")), at(document, ("jsonDocument",))
    if isinstance(text, str):
        return text
    if isinstance(fields, dict):
        return fields
    where = f"sources[{place}].inlineDocumentSource"
    raise InvalidRequest(f"'{where}' must be a text or JSON document.", param=where)


def _write_document(document: Document) -> dict[str, Any]:
    if isinstance(document, str):
        return {"type": "TEXT", "textDocument": {"text": document}}
    return {"type": "JSON", "jsonDocument": document}


def _read_result(wire: Any) -> RankedDocument:
    return read_ranked(wire, "relevanceScore", _document_of(at(wire, ("document",))))


def read_ranked(wire: Any, score: str, document: Document | None) -> RankedDocument:
    """One result, whose score has this name. Raises ValueError if it is malformed."""
    index = wire.get("index") if isinstance(wire, dict) else None
    value = wire.get(score) if isinstance(wire, dict) else None
    if type(index) is not int or not isinstance(value, int | float):
        raise ValueError("a result has no index or no score")
    return RankedDocument(index, value, document)


def _document_of(wire: Any) -> Document | None:
    text, fields = at(wire, ("textDocument", "text")), at(wire, ("jsonDocument",))
    if isinstance(text, str):
        return text
    return fields if isinstance(fields, dict) else None


def _write_result(result: RankedDocument) -> dict[str, Any]:
    wire: dict[str, Any] = {"index": result.index, "relevanceScore": result.score}
    if result.document is not None:
        wire["document"] = _write_document(result.document)
    return wire


def rerank_of(request: CanonicalRequest) -> RerankRequest:
    """The request as one to rank. Raises TypeError if it is another."""
    if not isinstance(request, RerankRequest):
        raise TypeError("the request is not one for a ranking")
    return request


def ranking_of(response: CanonicalResponse) -> RerankResponse:
    """The response as a ranking. Raises TypeError if it is another."""
    if not isinstance(response, RerankResponse):
        raise TypeError("a client of Rerank gets a RerankResponse")
    return response
