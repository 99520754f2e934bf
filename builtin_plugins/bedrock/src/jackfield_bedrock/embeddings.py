"""What the dialects of embeddings have in common: InvokeModel, no streams, vectors of numbers."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss
from jackfield.fields import own
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse

from .whole import WholeDialect

Vector = tuple[float, ...]


class InvokedEmbeddings(WholeDialect):
    """A body of InvokeModel that asks for vectors."""

    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"


def embeddings_of(request: CanonicalRequest) -> EmbeddingsRequest:
    """The request as one for embeddings. Raises TypeError when it asks for something else."""
    if not isinstance(request, EmbeddingsRequest):
        raise TypeError("the request is not one for embeddings")
    return request


def vectors_of(response: CanonicalResponse) -> EmbeddingsResponse:
    """The response as one of vectors. Raises TypeError when it is another one."""
    if not isinstance(response, EmbeddingsResponse):
        raise TypeError("an embeddings client gets an EmbeddingsResponse")
    return response


def noted(rest: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a body: a note on its form where it would be so anyway, and elsewhere."""
    return {f"${key}" if usual.get(key) == value else key: value for key, value in rest.items()}


def told_again(request: CanonicalRequest, dialect: str, usual: Iterable[str]) -> dict[str, Any]:
    """The members of which there are notes."""
    kept = own(request.extensions, dialect)
    return {key: kept[f"${key}"] for key in usual if f"${key}" in kept}


def one_text(request: EmbeddingsRequest, losses: list[Loss], model: str) -> str:
    """The one text that a model of one text a request is asked for."""
    if len(request.inputs) > 1:
        detail = f"{model} takes one text a request; send them one by one"
        losses.append(Loss("embeddings.batch", "inputs", "dropped", detail, breaks=True))
    return texts(request, losses)[0]


def texts(request: EmbeddingsRequest, losses: list[Loss]) -> list[str]:
    """The texts; Bedrock knows nobody's token ids."""
    if not all(isinstance(item, str) for item in request.inputs):
        detail = "Bedrock takes texts, no token ids"
        losses.append(Loss("embeddings.token_ids", "inputs", "dropped", detail, breaks=True))
    if request.user is not None:
        losses.append(Loss("user", "user", "dropped"))
    return [item if isinstance(item, str) else "" for item in request.inputs] or [""]


def read_vector(value: Any) -> Vector:
    """A vector of numbers. Raises ValueError when it is none."""
    if not isinstance(value, list) or not all(type(number) in (float, int) for number in value):
        raise ValueError("an embedding is no array of numbers")
    return tuple(value)
