"""The dialect `bedrock.nova_embeddings`: Nova Multimodal Embeddings of texts."""

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
    one_text,
    read_vector,
    recorded_members,
    vectors_of,
)

NAME: Final = "bedrock.nova_embeddings"
_PARAMS: Final = "singleEmbeddingParams"
_PURPOSES: Final = {"GENERIC_INDEX": "document", "GENERIC_RETRIEVAL": "query"}
_WORDS: Final = {word: name for name, word in _PURPOSES.items()}
_TRUNCATION: Final = "END"
_USUAL: Final[Mapping[str, Any]] = {
    "taskType": "SINGLE_EMBEDDING",
    "schemaVersion": "nova-multimodal-embed-v1",
    _PARAMS: {"text": {"truncationMode": _TRUNCATION}},
}


class NovaEmbeddingsDialect(InvokedEmbeddings):
    """One text in, one vector out; other media are only passed through."""

    name: ClassVar[str] = NAME
    most_inputs: ClassVar[int | None] = 1
    request_texts: ClassVar[tuple[str, ...]] = (f"{_PARAMS}/text/value",)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        inner = Fields(fields.table(_PARAMS) or {}, _PARAMS)
        text_fields = Fields(inner.table("text") or {}, f"{_PARAMS}.text")
        if not isinstance(text_fields.rest.get("value"), str):
            raise InvalidRequest(
                f"'{_PARAMS}.text.value' must be a string: other models only embed texts.",
                param=f"{_PARAMS}.text.value",
            )
        purpose = inner.text("embeddingPurpose")
        text, dimensions = text_fields.needed_text("value"), inner.integer("embeddingDimension")
        fields.rest[_PARAMS] = {**inner.rest, "text": text_fields.rest}
        return EmbeddingsRequest(
            model_of(params),
            (text,),
            dimensions=dimensions,
            input_type=_PURPOSES.get(purpose, purpose) if purpose else None,
            extensions={NAME: noted(fields.rest, _USUAL)},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        embeddings_request, losses = embeddings_of(request), lost_members(request.extensions, NAME)
        kept = own(embeddings_request.extensions, NAME)
        rest = dict(own(kept, _PARAMS) or {})
        purpose = embeddings_request.input_type or "document"
        known: dict[str, Any] = {
            "embeddingPurpose": _WORDS.get(purpose, purpose),
            "text": {
                "value": one_text(embeddings_request, losses, embeddings_request.model),
                **(rest.pop("text", None) or {"truncationMode": _TRUNCATION}),
            },
        }
        if embeddings_request.dimensions is not None:
            known["embeddingDimension"] = embeddings_request.dimensions
        wire = {"taskType": kept.get("taskType", "SINGLE_EMBEDDING")}
        wire |= {**recorded_members(embeddings_request, NAME, _USUAL), _PARAMS: {**known, **rest}}
        return Rendered(
            msgspec.json.encode(carry(wire, embeddings_request.extensions, NAME)), tuple(losses)
        )

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        found = fields.rest.pop("embeddings", None)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError("the response has no 'embeddings'")
        fields.rest["$each"] = [
            {key: value for key, value in one.items() if key != "embedding"} for one in found
        ]
        vectors = tuple(read_vector(one.get("embedding")) for one in found)
        return EmbeddingsResponse("", vectors, None, extensions={NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer = vectors_of(response)
        each = own(answer.extensions, NAME).get("$each") or []
        wire = {
            "embeddings": [
                {"embedding": vector, **(each[i] if i < len(each) else {"embeddingType": "TEXT"})}
                for i, vector in enumerate(answer.vectors)
            ]
        }
        return Rendered(msgspec.json.encode(carry(wire, answer.extensions, NAME)))
