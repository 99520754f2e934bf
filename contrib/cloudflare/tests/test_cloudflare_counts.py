"""Counts of tokens that are no whole numbers."""

from typing import Any

import pytest

from jackfield.messages import Usage
from jackfield_cloudflare.envelope import usage_in

ODD: list[Any] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]


def used(count: Any) -> Usage:
    usage = usage_in({"usage": {"prompt_tokens": count, "completion_tokens": 5}})
    assert usage is not None
    return usage


@pytest.mark.parametrize("count", ODD)
def test_an_unreadable_count_cannot_be_taken_for_a_small_one(count: Any) -> None:
    assert used(count).input_tokens < 0


def test_a_count_may_be_a_whole_float_or_missing() -> None:
    assert used(12.0).input_tokens == 12
    assert used(None).input_tokens == 0
