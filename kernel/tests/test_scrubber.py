"""What is removed of a provider's messages: parts of its keys, wherever they are."""

import pytest

from jackfield._scrubber import FRAGMENT, Scrubber

KEY = "sk-Proj0123456789ABCDEFghijkl"


@pytest.mark.parametrize("before", range(12))
@pytest.mark.parametrize("start", range(len(KEY) - FRAGMENT + 1))
def test_a_part_of_a_key_is_masked_wherever_it_begins(before: int, start: int) -> None:
    part = KEY[start : start + FRAGMENT]
    text = "_" * before + part + "_" * 5
    assert Scrubber("", [KEY]).masked(text) == "_" * before + "***" + "_" * 5


def test_a_shorter_part_of_a_key_is_left() -> None:
    text = f"{KEY[: FRAGMENT - 1]}, {KEY[-FRAGMENT + 1 :]}"
    assert Scrubber("", [KEY]).masked(text) == text


def test_a_secret_takes_the_place_of_the_one_before_it() -> None:
    scrubber = Scrubber("", [KEY])
    scrubber.hide("token", "first-token-1")
    scrubber.hide("token", "other-token-2")
    assert scrubber.masked(f"other-token-2 {KEY}") == "*** ***"
    assert scrubber.masked("first-token-1") == "first-token-1"
