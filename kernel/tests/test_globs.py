"""Patterns of names: the star, and nothing else, is special."""

import re

from hypothesis import given
from hypothesis import strategies as st

from jackfield.globs import matches

WORDS = st.text("ab*[?.", max_size=8)


@given(WORDS, st.text("ab[?.", max_size=8))
def test_a_star_stands_for_any_text_and_all_else_for_itself(pattern: str, name: str) -> None:
    regex = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert matches(pattern, name) == (re.fullmatch(regex, name, re.DOTALL) is not None)
