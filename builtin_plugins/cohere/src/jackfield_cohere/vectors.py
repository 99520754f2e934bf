"""Vectors on the wire: as numbers, or as base64 of little-endian float32."""

import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final

FORMS: Final = ("float", "base64", "int8", "uint8", "binary", "ubinary")
"""Cohere's types of embeddings, the most exact first."""


def read_vectors(by_type: Mapping[str, Any]) -> tuple[tuple[float, ...], ...]:
    """The vectors in the most exact of their types. Raises ValueError when there are none."""
    for form in FORMS:
        vectors = by_type.get(form)
        if isinstance(vectors, list):
            return tuple(read_vector(vector) for vector in vectors)
    raise ValueError("the response has no embeddings of a known type")


def read_vector(value: Any) -> tuple[float, ...]:
    """One vector. Raises ValueError when it is none."""
    if isinstance(value, str):
        return _decoded(value)
    if not isinstance(value, list) or not all(isinstance(number, float | int) for number in value):
        raise ValueError("an embedding is not an array of numbers")
    return tuple(value)


def _decoded(text: str) -> tuple[float, ...]:
    floats = array("f")
    try:
        floats.frombytes(b64decode(text, validate=True))
    except Base64Error as error:
        raise ValueError("an embedding is not base64") from error
    if sys.byteorder == "big":
        floats.byteswap()
    return tuple(floats)


def encoded(vector: tuple[float, ...]) -> str:
    """The vector in base64."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
