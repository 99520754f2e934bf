"""Patterns as sets of names: part of, and in common."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_virtual_keys.patterns import common, is_within, problem_of

PATTERNS = st.text("ab*", min_size=1, max_size=6).map(lambda text: re.sub(r"\*+", "*", text))
SETS = st.lists(PATTERNS, min_size=1, max_size=3).map(tuple)
NAMES = ["".join(letters) for length in range(8) for letters in product("abc", repeat=length)]


def names_of(patterns: tuple[str, ...]) -> set[str]:
    regexes = [".*".join(re.escape(piece) for piece in one.split("*")) for one in patterns]
    return {name for name in NAMES if any(re.fullmatch(regex, name) for regex in regexes)}


@given(PATTERNS, SETS)
def test_a_pattern_is_within_others_exactly_when_all_its_names_are(
    pattern: str, allowed: tuple[str, ...]
) -> None:
    assert is_within(pattern, allowed) == (names_of((pattern,)) <= names_of(allowed))


@given(SETS, SETS)
def test_what_two_sets_have_in_common_is_exactly_that(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert names_of(common(one, other)) == names_of(one) & names_of(other)


@pytest.mark.parametrize(
    ("pattern", "allowed", "within"),
    [
        ("openai/gpt-5-mini", ("openai/*",), True),
        ("openai/gpt-5*", ("openai/gpt-*",), True),
        ("*", ("openai/*", "anthropic/*"), False),
        ("gpt-5*", ("gpt-5", "gpt-5-*"), False),
        ("*mini", ("*-mini",), False),
        ("*-mini*", ("*mini*",), True),
        ("a*", ("a", "aa*", "ab*"), False),
        ("", (), False),
    ],
)
def test_names_of_models_are_compared(pattern: str, allowed: tuple[str, ...], within: bool) -> None:
    assert is_within(pattern, allowed) is within


def test_two_patterns_may_meet_in_several_ways() -> None:
    assert set(common(("*haiku*",), ("*claude*",))) == {"*haiku*claude*", "*claude*haiku*"}
    assert common(("openai/*",), ("*-mini",)) == ("openai/*-mini",)
    assert common(("openai/*",), ("anthropic/*",)) == ()


@pytest.mark.parametrize("pattern", ["", "gpt-?", "[ab]", "a**b", "*a*b*c*d*", "a\n", "x" * 129])
def test_a_pattern_that_says_what_others_mean_otherwise_is_refused(pattern: str) -> None:
    assert problem_of(pattern)


def test_a_hard_question_is_answered_in_time() -> None:
    allowed = tuple(f"*{'ab' * n}*{'ba' * n}*{'aab' * n}*" for n in range(2, 20))
    assert is_within("*ababab*babaaab*aabaab*", allowed) in (True, False)
