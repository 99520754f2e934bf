"""Bars in the terminal."""

import pytest

from jackfield.commands import bad, bar, doubtful, good


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 8, "    "),
        (4, 8, "██  "),
        (5, 8, "██▌ "),
        (8, 8, "████"),
        (9, 8, "████"),
        (1, 0, "    "),
    ],
)
def test_a_bar_is_as_long_as_the_share(part: float, whole: float, text: str) -> None:
    assert bar(part, whole, width=4).text == text


def test_a_bar_warns_before_it_is_full() -> None:
    styles = [bar(part, 10).style for part in (5, 8, 10)]
    assert styles == [good("").style, doubtful("").style, bad("").style]
