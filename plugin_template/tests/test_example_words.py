"""Tests of finding words."""

import pytest

from jackfield_example.words import WordFinder


@pytest.mark.parametrize("text", ["a crocodile", "CROCODILE!", "crocodile", "the (crocodile)"])
def test_a_word_is_found_ignoring_case(text: str) -> None:
    assert WordFinder(["crocodile"]).found_in(text)


@pytest.mark.parametrize("text", ["", "crocodiles", "a croco dile"])
def test_a_part_of_a_longer_word_does_not_match(text: str) -> None:
    assert not WordFinder(["crocodile"]).found_in(text)


def test_without_words_nothing_matches() -> None:
    assert not WordFinder([]).found_in("anything")


def test_special_characters_in_words_are_literal() -> None:
    assert WordFinder(["a.c"]).found_in("A.C")
    assert not WordFinder(["a.c"]).found_in("abc")
