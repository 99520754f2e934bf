"""The dialect `ollama.embeddings`: `/api/embed`, and the older `/api/embeddings` of one prompt."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    Terminal,
)
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage

from .losses import lost_members
from .ollama_dialect import OllamaDialect
from .options import peek_lines
from .usage import take_usage, write_usage

NAME = "ollama.embeddings"
_HINTS = ("keep_alive", "options", "truncate")
"""Members that control how a model runs and truncates, not what it answers."""


class _Answer(msgspec.Struct):
    """The members that tell an answer from an error, and its usage; vectors are skipped."""

    embeddings: msgspec.Raw = msgspec.Raw()
    embedding: msgspec.Raw = msgspec.Raw()
    prompt_eval_count: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


class EmbeddingsDialect(OllamaDialect):
    """Embeddings. They are never streamed."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = ("input", "input/*", "prompt")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(peek_lines(tree, params).model)

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        try:
            answer = _read_answer(body)
        except msgspec.DecodeError as error:
            raise ValueError("the answer is not a JSON object") from error
        if not bytes(answer.embeddings) and not bytes(answer.embedding):
            raise ValueError("the answer has no embeddings")
        return take_usage({"prompt_eval_count": answer.prompt_eval_count})

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        inputs = _take_inputs(fields)
        for key in _HINTS:
            if key in fields.rest:
                fields.rest[f"${key}"] = fields.rest.pop(key)
        return EmbeddingsRequest(
            model=fields.text("model") or "",
            inputs=inputs,
            dimensions=fields.integer("dimensions"),
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        losses = lost_members(request.extensions, NAME)
        kept = own(request.extensions, NAME)
        wire: dict[str, Any] = {"model": request.model, **_write_inputs(request, losses)}
        if request.dimensions is not None:
            wire["dimensions"] = request.dimensions
        wire |= {key: kept[f"${key}"] for key in _HINTS if f"${key}" in kept}
        if request.user is not None:
            losses.append(Loss("user", "user", "dropped"))
        if request.input_type is not None:
            losses.append(Loss("input_type", "input_type", "dropped"))
        carry(wire, request.extensions, NAME)
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        usage = take_usage(fields.rest)
        vectors = fields.rest.pop("embeddings", None)
        if vectors is None and "embedding" in fields.rest:
            vectors = [fields.rest.pop("embedding")]
            fields.rest["$single"] = True
        if not isinstance(vectors, list):
            raise ValueError("the answer has no embeddings")
        return EmbeddingsResponse(
            model=fields.text("model") or "",
            vectors=tuple(_read_vector(vector) for vector in vectors),
            usage=usage,
            extensions={NAME: fields.rest},
        )

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("an embeddings client gets an EmbeddingsResponse")
        if "$prompt" in own(request.extensions, NAME):
            vector = response.vectors[0] if response.vectors else ()
            return Rendered(msgspec.json.encode({"embedding": vector}))
        counts = dict(write_usage(response.usage))
        counts.pop("eval_count", None)
        wire = {
            "model": response.model or request.model,
            "embeddings": response.vectors,
            **counts,
        }
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))


def _take_inputs(fields: Fields) -> tuple[str, ...]:
    if "input" not in fields.rest and isinstance(fields.rest.get("prompt"), str):
        fields.rest["$prompt"] = True
        return (fields.rest.pop("prompt"),)
    value = fields.rest.pop("input", None)
    if isinstance(value, str):
        fields.rest["$input"] = "single"
        return (value,)
    if not isinstance(value, list) or not value:
        raise fields.wrong("input", "a string or an array of strings")
    for i, item in enumerate(value):
        if not isinstance(item, str):
            where = f"input[{i}]"
            raise InvalidRequest(f"'{where}' must be a string.", param=where)
    return tuple(value)


def _write_inputs(request: EmbeddingsRequest, losses: list[Loss]) -> dict[str, Any]:
    kept = own(request.extensions, NAME)
    texts = [text for text in request.inputs if isinstance(text, str)]
    if len(texts) < len(request.inputs):
        detail = "Ollama only embeds texts"
        losses.append(Loss("embeddings.token_ids", "inputs", "dropped", detail, breaks=True))
    if kept.get("$prompt") and len(texts) == 1:
        return {"prompt": texts[0]}
    return {"input": texts[0] if kept.get("$input") and len(texts) == 1 else texts}


def _read_vector(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(isinstance(number, float | int) for number in value):
        raise ValueError("an embedding is no array of numbers")
    return tuple(value)
