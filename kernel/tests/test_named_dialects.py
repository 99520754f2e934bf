"""Which of an API's dialects a table asks for."""

import re

import pytest

from jackfield.dialects import Dialect
from jackfield.http_provider import dialects_named
from jackfield.testing import TESTING_CHAT


class Other(Dialect):
    name = "other.chat"


OTHER = Other()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), (TESTING_CHAT, OTHER)),
        (("other.chat",), (OTHER,)),
        (("other.chat", TESTING_CHAT.name), (TESTING_CHAT, OTHER)),
    ],
)
def test_all_are_offered_unless_some_are_named(
    names: tuple[str, ...], found: tuple[Dialect, ...]
) -> None:
    assert dialects_named(names, (TESTING_CHAT, OTHER)) == found


def test_one_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    named = f"dialects: no 'odd.chat'; it speaks {TESTING_CHAT.name}, other.chat"
    with pytest.raises(ValueError, match=re.escape(named)):
        dialects_named(["other.chat", "odd.chat"], (TESTING_CHAT, OTHER))
