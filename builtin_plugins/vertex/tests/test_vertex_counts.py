"""Counts of tokens that are no whole numbers."""

from typing import Any

import msgspec
import pytest

from jackfield.messages import Usage
from jackfield_vertex.endpoints import EMBEDDINGS

ODD: list[Any] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]


def used(count: Any) -> Usage:
    counts = [{"token_count": 50}, {"token_count": count}]
    predictions = [{"embeddings": {"values": [1], "statistics": each}} for each in counts]
    usage = EMBEDDINGS.usage(msgspec.json.encode({"predictions": predictions}))
    assert usage is not None
    return usage


@pytest.mark.parametrize("count", ODD)
def test_an_unreadable_count_cannot_be_taken_for_a_small_one(count: Any) -> None:
    assert used(count).input_tokens < 0


def test_a_count_may_be_a_whole_float_or_missing() -> None:
    assert used(12.0).input_tokens == 62
    assert used(None).input_tokens == 50
