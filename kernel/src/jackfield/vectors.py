"""Vectors on the wire: as numbers, or as base64 of little-endian float32."""

import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any


def read_vector(value: Any) -> tuple[float, ...]:
    """The numbers of a vector in either form. Raises ValueError if it is neither."""
    if isinstance(value, str):
        return _decoded(value)
    if not isinstance(value, list) or not all(isinstance(number, float | int) for number in value):
        raise ValueError("an embedding is not an array of numbers")
    return tuple(value)


def in_base64(vector: tuple[float, ...]) -> str:
    """A vector as base64."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()


def _decoded(text: str) -> tuple[float, ...]:
    floats = array("f")
    try:
        floats.frombytes(b64decode(text, validate=True))
    except Base64Error as error:
        raise ValueError("an embedding is not base64") from error
    if sys.byteorder == "big":
        floats.byteswap()
    return tuple(floats)
