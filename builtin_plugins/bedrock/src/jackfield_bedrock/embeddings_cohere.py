"""The dialect `bedrock.cohere_embeddings`: Cohere Embed by InvokeModel."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import CanonicalRequest, CanonicalResponse, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse

from .converse_losses import lost_members
from .converse_request import model_of
from .embeddings import (
    InvokedEmbeddings,
    embeddings_of,
    noted,
    read_vector,
    recorded_members,
    texts,
    vectors_of,
)

NAME: Final = "bedrock.cohere_embeddings"
_USUAL: Final[Mapping[str, Any]] = {"embedding_types": ["float"], "truncate": "NONE"}
_TYPES: Final = {"search_query": "query", "search_document": "document"}
_WORDS: Final = {word: name for name, word in _TYPES.items()}


class CohereEmbeddingsDialect(InvokedEmbeddings):
    """Cohere Embed with text inputs and float vectors."""

    name: ClassVar[str] = NAME
    most_inputs: ClassVar[int | None] = 96
    incidental = InvokedEmbeddings.incidental | {"response_type", "texts"}
    request_texts: ClassVar[tuple[str, ...]] = ("texts/*",)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        inputs = fields.rest.pop("texts", None)
        if not isinstance(inputs, list) or not all(isinstance(text, str) for text in inputs):
            raise fields.wrong("texts", "an array of strings")
        kinds = fields.rest.get("embedding_types")
        if isinstance(kinds, list) and kinds and "float" not in kinds:
            raise InvalidRequest(
                "Other models only return floats; request them.", param="embedding_types"
            )
        purpose = fields.text("input_type")
        return EmbeddingsRequest(
            model_of(params),
            tuple(inputs),
            dimensions=fields.integer("output_dimension"),
            input_type=_TYPES.get(purpose, purpose) if purpose else None,
            extensions={NAME: noted(fields.rest, _USUAL)},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        embeddings_request, losses = embeddings_of(request), lost_members(request.extensions, NAME)
        wire: dict[str, Any] = {
            "texts": texts(embeddings_request, losses),
            **recorded_members(embeddings_request, NAME, _USUAL),
        }
        # The API requires the purpose of the vectors.
        purpose = embeddings_request.input_type
        if purpose is not None or NAME not in embeddings_request.extensions:
            purpose = purpose or "document"
            wire["input_type"] = _WORDS.get(purpose, purpose)
        if embeddings_request.dimensions is not None:
            wire["output_dimension"] = embeddings_request.dimensions
        return Rendered(
            msgspec.json.encode(carry(wire, embeddings_request.extensions, NAME)), tuple(losses)
        )

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        found = fields.rest.pop("embeddings", None)
        if isinstance(found, dict):
            fields.rest["$byType"] = {key: value for key, value in found.items() if key != "float"}
            found = found.get("float")
        if not isinstance(found, list):
            raise ValueError("the response has no 'embeddings' of floats")
        vectors = tuple(read_vector(vector) for vector in found)
        return EmbeddingsResponse("", vectors, None, extensions={NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer, embeddings_request = vectors_of(response), embeddings_of(request)
        kept = own(answer.extensions, NAME)
        by_type = kept.get("$byType")
        if by_type is None and NAME not in answer.extensions and _wants_types(embeddings_request):
            by_type = {}
        vectors: Any = answer.vectors
        wire: dict[str, Any] = {
            "embeddings": vectors if by_type is None else {"float": vectors, **by_type}
        }
        if NAME not in answer.extensions:
            wire["id"] = "embeddings"
            wire["texts"] = embeddings_request.inputs
            wire["response_type"] = "embeddings_floats" if by_type is None else _BY_TYPE
        return Rendered(msgspec.json.encode(carry(wire, answer.extensions, NAME)))


_BY_TYPE: Final = "embeddings_by_type"


def _wants_types(request: EmbeddingsRequest) -> bool:
    """Whether the answer names the vectors' types: if requested, and always since v4."""
    kept = own(request.extensions, NAME)
    requested = "embedding_types" in kept or "$embedding_types" in kept
    return requested or "embed-v4" in request.model
