"""Vectors of texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_demo.embeddings import vector_of


def _likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(vector_of(one), vector_of(other), strict=True))


@given(st.text() | st.lists(st.integers(0, 10**6)).map(tuple), st.integers(1, 64))
def test_every_vector_has_length_one(text: str | tuple[int, ...], dimensions: int) -> None:
    vector = vector_of(text, dimensions)
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1)


def test_similar_texts_are_near_and_others_far() -> None:
    sea = "The sea is blue because it scatters the light"
    near = _likeness(sea, "Why is the sea blue? It scatters blue light")
    far = _likeness(sea, "Invoices are paid within thirty days")
    assert near > 2 * abs(far)


def test_vectors_are_the_same_in_every_process() -> None:
    assert [round(value, 3) for value in vector_of("hello", 4)] == [-0.169, 0.507, 0.845, 0.0]
