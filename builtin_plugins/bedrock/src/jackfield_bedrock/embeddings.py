"""The common part of the embeddings dialects: InvokeModel, no streams, numeric vectors."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss
from jackfield.fields import own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse

from .non_streaming import NonStreamingDialect

Vector = tuple[float, ...]


class InvokedEmbeddings(NonStreamingDialect):
    """An InvokeModel body that requests vectors."""

    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"


def embeddings_of(request: CanonicalRequest) -> EmbeddingsRequest:
    """The request as one for embeddings. Raises TypeError if it is another."""
    if not isinstance(request, EmbeddingsRequest):
        raise TypeError("the request is not one for embeddings")
    return request


def vectors_of(response: CanonicalResponse) -> EmbeddingsResponse:
    """The response as one of vectors. Raises TypeError if it is another."""
    if not isinstance(response, EmbeddingsResponse):
        raise TypeError("an embeddings client gets an EmbeddingsResponse")
    return response


def noted(rest: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The remaining members of a body; those with their usual value become notes on form."""
    return {f"${key}" if usual.get(key) == value else key: value for key, value in rest.items()}


def recorded_members(
    request: CanonicalRequest, dialect: str, usual: Iterable[str]
) -> dict[str, Any]:
    """The members recorded as notes."""
    kept = own(request.extensions, dialect)
    return {key: kept[f"${key}"] for key in usual if f"${key}" in kept}


def one_text(request: EmbeddingsRequest, losses: list[Loss], model: str) -> str:
    """The text for a model that takes one text per request."""
    if len(request.inputs) > 1:
        detail = f"{model} takes one text a request; send them one by one"
        losses.append(Loss("embeddings.batch", "inputs", "dropped", detail, breaks=True))
    return texts(request, losses)[0]


def texts(request: EmbeddingsRequest, losses: list[Loss]) -> list[str]:
    """The texts; Bedrock accepts no token ids."""
    if not all(isinstance(item, str) for item in request.inputs):
        detail = "Bedrock takes texts, no token ids"
        losses.append(Loss("embeddings.token_ids", "inputs", "dropped", detail, breaks=True))
    if request.user is not None:
        losses.append(Loss("user", "user", "dropped"))
    return [item if isinstance(item, str) else "" for item in request.inputs] or [""]


def read_vector(value: Any) -> Vector:
    """A numeric vector. Raises ValueError if it is malformed."""
    if not isinstance(value, list) or not all(type(number) in (float, int) for number in value):
        raise ValueError("an embedding is no array of numbers")
    return tuple(value)
