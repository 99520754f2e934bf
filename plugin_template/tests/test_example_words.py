"""Words are found as words."""

import pytest

from jackfield_example.words import WordFinder


@pytest.mark.parametrize("text", ["a crocodile", "CROCODILE!", "crocodile", "the (crocodile)"])
def test_a_word_is_found_in_any_case(text: str) -> None:
    assert WordFinder(["crocodile"]).found_in(text)


@pytest.mark.parametrize("text", ["", "crocodiles", "a croco dile"])
def test_a_part_of_a_word_is_not_a_word(text: str) -> None:
    assert not WordFinder(["crocodile"]).found_in(text)


def test_without_words_nothing_is_found() -> None:
    assert not WordFinder([]).found_in("anything")


def test_a_word_may_hold_signs_that_mean_something_elsewhere() -> None:
    assert WordFinder(["a.c"]).found_in("A.C")
    assert not WordFinder(["a.c"]).found_in("abc")
