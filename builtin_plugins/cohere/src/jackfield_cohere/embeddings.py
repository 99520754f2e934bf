"""The dialect `cohere.embeddings`: texts in, vectors out, in v1 and v2 of the API."""

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
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse
from jackfield.vectors import in_base64, read_vector

from .chat_request import needed_model
from .json_dialect import JsonDialect
from .losses import lost_members
from .usage import read_meta, write_meta
from .vectors import read_vectors

NAME: Final = "cohere.embeddings"
_PURPOSES: Final = {"search_query": "query", "search_document": "document"}
_WORDS: Final = {"query": "search_query", "document": "search_document"}

_USUAL: Final[Mapping[str, Any]] = {"embedding_types": ["float"], "truncate": "END"}
"""Defaults that clients send explicitly, and that hold for other vendors too."""


class EmbeddingsDialect(JsonDialect):
    """Embed. The path selects v1, which returns bare vectors unless types are requested."""

    name: ClassVar[str] = NAME
    most_inputs: ClassVar[int | None] = 96
    operation: ClassVar[str] = "embeddings"
    incidental = JsonDialect.incidental | {"response_type", "texts"}
    canonical: ClassVar[Canonical] = "embeddings"
    answer: ClassVar[str] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = ("texts/*", "inputs/*/content/*/text")

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        word = fields.text("input_type")
        if params.get("version") == "v1":
            fields.rest["$v1"] = True
        for key, usual in _USUAL.items():
            if fields.rest.get(key) == usual:
                fields.rest[f"${key}"] = fields.rest.pop(key)
        return EmbeddingsRequest(
            model=needed_model(fields),
            inputs=_take_inputs(fields),
            dimensions=fields.integer("output_dimension"),
            input_type=_PURPOSES.get(word, word) if word else None,
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        losses = lost_members(request.extensions, NAME)
        kept = own(request.extensions, NAME)
        purpose = request.input_type
        if purpose is None and NAME not in request.extensions:
            purpose = "document"  # required by all models since v3
        wire: dict[str, Any] = {"model": request.model, **_write_inputs(request, losses)}
        if purpose is not None:
            wire["input_type"] = _WORDS.get(purpose, purpose)
        if NAME not in request.extensions:
            wire["embedding_types"] = ["float"]
        if request.user is not None:
            losses.append(Loss("user", "user", "dropped"))
        if request.dimensions is not None:
            wire["output_dimension"] = request.dimensions
        wire |= {key: kept[f"${key}"] for key in _USUAL if f"${key}" in kept}
        carry(wire, request.extensions, NAME)
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        found = fields.rest.pop("embeddings", None)
        if isinstance(found, dict):
            vectors = read_vectors(found)
            if found.keys() != {"float"}:
                fields.rest["$embeddings"] = found
        elif isinstance(found, list):
            vectors = tuple(read_vector(vector) for vector in found)
            fields.rest["$embeddings"] = found
        else:
            raise ValueError("the response has no 'embeddings'")
        usage = read_meta(fields.rest.get("meta"))
        if usage is not None:
            del fields.rest["meta"]
        return EmbeddingsResponse("", vectors, usage, {NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("an embeddings client gets an EmbeddingsResponse")
        requested = request if isinstance(request, EmbeddingsRequest) else None
        losses: list[Loss] = []
        kept = own(response.extensions, NAME)
        found = kept.get("$embeddings")
        if found is None:
            found = _write_vectors(response, requested, losses)
        bare = not isinstance(found, dict)
        tokens = response.usage.input_tokens if response.usage else 0
        wire: dict[str, Any] = {
            "id": kept.get("id") or str(uuid4()),
            "texts": [text for text in requested.inputs if isinstance(text, str)]
            if requested
            else [],
            "embeddings": found,
            "meta": write_meta(response.usage, {"input_tokens": tokens}),
            "response_type": "embeddings_floats" if bare else "embeddings_by_type",
        }
        return Rendered(msgspec.json.encode(wire | _without_notes(kept)), tuple(losses))


def _without_notes(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if not key.startswith("$")}


def _take_inputs(fields: Fields) -> tuple[str, ...]:
    if fields.items("images"):
        raise _no_images("images")
    texts = fields.rest.pop("texts", None)
    if texts is None:
        return _take_contents(fields)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise fields.wrong("texts", "an array of strings")
    return tuple(texts)


def _take_contents(fields: Fields) -> tuple[str, ...]:
    """The texts of `inputs`, each of which is an array of contents."""
    inputs = fields.rest.pop("inputs", None)
    if not isinstance(inputs, list) or not inputs:
        raise fields.wrong("texts", "an array of strings")
    fields.rest["$inputs"] = inputs
    return tuple(_text_of(item, f"inputs[{i}]") for i, item in enumerate(inputs))


def _text_of(item: Any, path: str) -> str:
    contents = item.get("content") if isinstance(item, dict) else None
    if not isinstance(contents, list) or not all(isinstance(one, dict) for one in contents):
        raise InvalidRequest(f"'{path}.content' must be an array of objects.", param=path)
    texts = [one.get("text") for one in contents]
    if not all(isinstance(text, str) for text in texts):
        raise _no_images(path)
    return "".join(str(text) for text in texts)


def _no_images(param: str) -> InvalidRequest:
    return InvalidRequest(
        "Only texts can be translated for the provider of this model: it does not support images in"
        " embeddings. Use a provider of Cohere.",
        param=param,
    )


def _write_inputs(request: EmbeddingsRequest, losses: list[Loss]) -> dict[str, Any]:
    inputs = own(request.extensions, NAME).get("$inputs")
    if inputs is not None and tuple(_text_of(item, "inputs") for item in inputs) == request.inputs:
        return {"inputs": inputs}
    if any(not isinstance(item, str) for item in request.inputs):
        detail = "Cohere embeds texts, not token ids"
        losses.append(Loss("embeddings.token_ids", "inputs", "dropped", detail, breaks=True))
    return {"texts": [item for item in request.inputs if isinstance(item, str)]}


def _write_vectors(
    response: EmbeddingsResponse, requested: EmbeddingsRequest | None, losses: list[Loss]
) -> Any:
    kept = own(requested.extensions, NAME) if requested is not None else {}
    forms = kept.get("embedding_types") or kept.get("$embedding_types")
    if not isinstance(forms, list) or not forms:
        return response.vectors if kept.get("$v1") else {"float": response.vectors}
    found: dict[str, Any] = {}
    for form in forms:
        if form == "float":
            found["float"] = response.vectors
        elif form == "base64":
            found["base64"] = [in_base64(vector) for vector in response.vectors]
        else:
            detail = f"{form!r}: the provider has no such vectors"
            losses.append(Loss("embeddings.types", "embedding_types", "dropped", detail))
    return found or {"float": response.vectors}
