"""The types of Cohere's embeddings."""

from collections.abc import Mapping
from typing import Any, Final

from jackfield.vectors import read_vector

FORMS: Final = ("float", "base64", "int8", "uint8", "binary", "ubinary")
"""Cohere's types of embeddings, the most exact first."""


def read_vectors(by_type: Mapping[str, Any]) -> tuple[tuple[float, ...], ...]:
    """The vectors in their most precise type. Raises ValueError if there are none."""
    for form in FORMS:
        vectors = by_type.get(form)
        if isinstance(vectors, list):
            return tuple(read_vector(vector) for vector in vectors)
    raise ValueError("the response has no embeddings of a known type")
