"""The dialect `bedrock.rerank_model`: rerank models of Cohere and Amazon by InvokeModel."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import carry, json_object, object_fields, own
from jackfield.messages import RerankRequest, RerankResponse

from .converse_losses import lost_members
from .converse_members import ADDITIONAL
from .converse_request import model_of
from .embeddings import noted, recorded_members
from .non_streaming import NonStreamingDialect
from .rerank import NAME as AGENTS
from .rerank import Document, ranking_of, read_ranked, rerank_of

NAME: Final = "bedrock.rerank_model"
_VERSION: Final = 2
_USUAL: Final[Mapping[str, Any]] = {"api_version": _VERSION}


class RerankModelDialect(NonStreamingDialect):
    """The body that Cohere's and Amazon's rerank models take."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "rerank"
    canonical: ClassVar[Canonical] = "rerank"
    request_texts: ClassVar[tuple[str, ...]] = ("query", "documents/*")

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> RerankRequest:
        fields = object_fields(tree)
        documents = fields.items("documents")
        for i, document in enumerate(documents):
            if not isinstance(document, str | dict):
                where = f"documents[{i}]"
                raise InvalidRequest(f"'{where}' must be a string.", param=where)
        return RerankRequest(
            model=model_of(params),
            query=fields.needed_text("query"),
            documents=tuple(documents),
            top_n=fields.integer("top_n"),
            return_documents=fields.flag("return_documents"),
            extensions={NAME: noted(fields.rest, _USUAL)},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rerank_request, is_own = rerank_of(request), NAME in request.extensions
        # The agent runtime's extra fields for the model belong in this body.
        additional = own(own(rerank_request.extensions, AGENTS), ADDITIONAL)
        others = {name: kept for name, kept in rerank_request.extensions.items() if name != AGENTS}
        losses = lost_members(others, NAME)
        wire: dict[str, Any] = {
            **additional,
            **recorded_members(rerank_request, NAME, _USUAL),
            "query": rerank_request.query,
            "documents": [item if is_own else _text(item) for item in rerank_request.documents],
        }
        if rerank_request.top_n is not None:
            wire["top_n"] = rerank_request.top_n
        if is_own and rerank_request.return_documents is not None:
            wire["return_documents"] = rerank_request.return_documents
        elif rerank_request.return_documents:
            losses.append(Loss("rerank.return_documents", "return_documents", "dropped"))
        if not is_own:
            wire["api_version"] = _VERSION
        return Rendered(
            msgspec.json.encode(carry(wire, rerank_request.extensions, NAME)), tuple(losses)
        )

    def parse_response(self, body: bytes) -> RerankResponse:
        tree = json_object(body)
        results = tree.pop("results", None)
        if not isinstance(results, list):
            raise ValueError("the response has no 'results'")
        ranked = tuple(
            read_ranked(result, "relevance_score", _document(result)) for result in results
        )
        return RerankResponse("", ranked, extensions={NAME: tree})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer = ranking_of(response)
        results = []
        for result in answer.results:
            wire: dict[str, Any] = {"index": result.index, "relevance_score": result.score}
            if isinstance(result.document, str):
                wire["document"] = {"text": result.document}
            elif result.document is not None:
                wire["document"] = result.document
            results.append(wire)
        return Rendered(msgspec.json.encode(carry({"results": results}, answer.extensions, NAME)))


def _text(document: Document) -> str:
    """A document as text; one with fields as its JSON."""
    return document if isinstance(document, str) else msgspec.json.encode(document).decode()


def _document(result: Any) -> Document | None:
    document = result.get("document") if isinstance(result, dict) else None
    if isinstance(document, dict) and document.keys() == {"text"}:
        text: str | None = document["text"]
        return text
    return document if isinstance(document, str | dict) else None
