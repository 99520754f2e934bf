"""The dialect `openai.embeddings`: texts or token ids in, vectors out."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield.vectors import in_base64, read_vector

from .chat_request import peek_model
from .failures import UNREADABLE
from .losses import extension_losses
from .usage import chunk_usage, write_usage
from .whole import WholeDialect

NAME = "openai.embeddings"


class _Answer(msgspec.Struct):
    """The fields that tell an answer from an error, and its usage; vectors are skipped."""

    data: msgspec.Raw = msgspec.Raw()
    usage: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


class EmbeddingsDialect(WholeDialect):
    """Embeddings. They are never streamed."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = ("input", "input/*")
    takes_input_type: bool = False
    """Whether `input_type` is passed on: OpenAI refuses it, some compatible APIs accept it."""

    def usage(self, body: bytes) -> Usage | None:
        try:
            answer = _read_answer(body)
        except UNREADABLE as error:
            raise ValueError("the answer is not a JSON object") from error
        if not bytes(answer.data).startswith(b"["):
            raise ValueError("the answer has no data")
        return chunk_usage({"usage": answer.usage})

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = object_fields(tree)
        form = fields.rest.get("encoding_format")
        known = form if form in ("float", "base64") else None
        if known is not None:
            del fields.rest["encoding_format"]
        return EmbeddingsRequest(
            model=peek_model(fields, params),
            inputs=_take_inputs(fields),
            dimensions=_take_dimensions(fields),
            encoding_format=known,
            input_type=fields.text("input_type"),
            user=fields.text("user"),
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        kept = own(request.extensions, NAME)
        losses = extension_losses(request.extensions, NAME)
        inputs: Any = request.inputs
        if kept.get("$input") == "single" and len(inputs) == 1:
            inputs = inputs[0]
        known = {
            "model": request.model,
            "input": inputs,
            kept.get("$dimensions", "dimensions"): request.dimensions,
            "encoding_format": request.encoding_format,
            "user": request.user,
        }
        if NAME in request.extensions or self.takes_input_type:
            known["input_type"] = request.input_type
        elif request.input_type is not None:
            losses.append(Loss("input_type", "input_type", "dropped"))
        wire = {key: value for key, value in known.items() if value is not None}
        body = msgspec.json.encode(carry(wire, request.extensions, NAME))
        return Rendered(body, tuple(losses))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(json_object(body), strict=False)
        data = fields.rest.pop("data", None)
        if not isinstance(data, list):
            raise ValueError("the response has no 'data'")
        usage = chunk_usage(fields.rest)
        if usage is not None:
            del fields.rest["usage"]
        fields.rest.pop("object", None)
        return EmbeddingsResponse(
            model=fields.text("model") or "",
            vectors=tuple(_read_vector(item) for item in sorted(data, key=_place)),
            usage=usage,
            extensions={NAME: fields.rest},
        )

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        return response.usage if isinstance(response, EmbeddingsResponse) else None

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("an embeddings client gets an EmbeddingsResponse")
        form = request.encoding_format if isinstance(request, EmbeddingsRequest) else None
        data = [
            {
                "object": "embedding",
                "index": i,
                "embedding": in_base64(vector) if form == "base64" else vector,
            }
            for i, vector in enumerate(response.vectors)
        ]
        usage = response.usage or Usage()
        wire: dict[str, Any] = {
            "object": "list",
            "data": data,
            "model": response.model or request.model,
            "usage": _write_usage(usage),
        }
        return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)))


def _take_dimensions(fields: Fields) -> int | None:
    dimensions = fields.integer("dimensions")
    if dimensions is None:
        dimensions = fields.integer("output_dimension")  # Voyage
        if dimensions is not None:
            fields.rest["$dimensions"] = "output_dimension"
    return dimensions


def _take_inputs(fields: Fields) -> tuple[str | tuple[int, ...], ...]:
    value = fields.rest.pop("input", None)
    if isinstance(value, str) or _is_tokens(value):
        fields.rest["$input"] = "single"
        value = [value]
    if not isinstance(value, list) or not value:
        raise fields.wrong("input", "a string, an array of strings or token ids")
    for i, item in enumerate(value):
        if not isinstance(item, str) and not _is_tokens(item):
            where = f"input[{i}]"
            raise InvalidRequest(f"'{where}' must be a string or token ids.", param=where)
    return tuple(item if isinstance(item, str) else tuple(item) for item in value)


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)


def _place(item: Any) -> int:
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else 0


def _read_vector(item: Any) -> tuple[float, ...]:
    value = item.get("embedding") if isinstance(item, dict) else None
    if value is None:
        raise ValueError("an element of 'data' has no 'embedding'")
    return read_vector(value)


def _write_usage(usage: Usage) -> Mapping[str, Any]:
    wire = write_usage(usage)
    if usage.extensions:
        return wire
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
