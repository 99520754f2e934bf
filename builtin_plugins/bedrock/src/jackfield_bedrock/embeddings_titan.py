"""The dialect `bedrock.titan_embeddings`: one text or image in, one vector out."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage

from .converse_losses import lost_members
from .converse_request import model_of
from .embeddings import (
    InvokedEmbeddings,
    embeddings_of,
    noted,
    one_text,
    read_vector,
    recorded_members,
    vectors_of,
)
from .usage import count_of

NAME: Final = "bedrock.titan_embeddings"
_USUAL: Final[Mapping[str, Any]] = {"normalize": True, "embeddingTypes": ["float"]}


class TitanEmbeddingsDialect(InvokedEmbeddings):
    """Titan Text Embeddings, and texts of Titan Multimodal Embeddings."""

    name: ClassVar[str] = NAME
    most_inputs: ClassVar[int | None] = 1
    request_texts: ClassVar[tuple[str, ...]] = ("inputText",)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        if "inputImage" in fields.rest:
            raise InvalidRequest("Only Titan embeds images, not other models.", param="inputImage")
        text = fields.needed_text("inputText")
        dimensions = fields.integer("dimensions")
        config = fields.table("embeddingConfig")
        if config is not None:
            inner = Fields(config, "embeddingConfig")
            dimensions = inner.integer("outputEmbeddingLength")
            fields.rest["embeddingConfig"] = inner.rest
        kept = {NAME: noted(fields.rest, _USUAL)}
        return EmbeddingsRequest(model_of(params), (text,), dimensions=dimensions, extensions=kept)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        embeddings_request, losses = embeddings_of(request), lost_members(request.extensions, NAME)
        wire = {"inputText": one_text(embeddings_request, losses, embeddings_request.model)}
        wire |= recorded_members(embeddings_request, NAME, _USUAL)
        kept = own(embeddings_request.extensions, NAME)
        if embeddings_request.dimensions is not None:
            wire |= _sized(embeddings_request.model, embeddings_request.dimensions, kept)
        if embeddings_request.input_type is not None:
            losses.append(Loss("input_type", "input_type", "dropped"))
        return Rendered(
            msgspec.json.encode(carry(wire, embeddings_request.extensions, NAME)), tuple(losses)
        )

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        vector = fields.rest.pop("embedding", None)
        if vector is None:  # binary vectors have their own member
            raise ValueError("the response has no 'embedding'")
        by_type = fields.rest.get("embeddingsByType")
        if isinstance(by_type, dict) and by_type.get("float") == vector:
            fields.rest["$byType"] = {k: v for k, v in by_type.items() if k != "float"}
            del fields.rest["embeddingsByType"]
        usage = None
        if "inputTextTokenCount" in fields.rest:
            usage = Usage(count_of(fields.rest, "inputTextTokenCount"))
            del fields.rest["inputTextTokenCount"]
        return EmbeddingsResponse("", (read_vector(vector),), usage, extensions={NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer = vectors_of(response)
        vector = answer.vectors[0] if answer.vectors else ()
        wire: dict[str, Any] = {"embedding": vector}
        kept = own(answer.extensions, NAME)
        if "$byType" in kept or NAME not in answer.extensions:
            wire["embeddingsByType"] = {"float": vector, **kept.get("$byType", {})}
        if answer.usage is not None:
            wire["inputTextTokenCount"] = answer.usage.input_tokens
        return Rendered(msgspec.json.encode(carry(wire, answer.extensions, NAME)))


def _sized(model: str, dimensions: int, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The requested length of a vector, in the model's member."""
    if "embeddingConfig" in kept or "image" in model:
        return {"embeddingConfig": {"outputEmbeddingLength": dimensions}}
    return {"dimensions": dimensions}
