"""Header lines hold nothing that could become another header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._client import header_lines


def test_lines_are_built_in_order() -> None:
    pairs = [("Content-Type", "application/json"), ("x-api-key", "k"), ("X-Empty", "")]
    assert header_lines(pairs) == (
        b"Content-Type: application/json\r\nx-api-key: k\r\nX-Empty: \r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\x00b", "a\x7f", " a", "\u2028"])
def test_a_value_that_cannot_be_sent_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValueError, match="x-key") as caught:
        header_lines([("x-key", f"secret{value}" if value != " a" else value)])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a_b", "a:b", "a\r\n", "é", "a\x00"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        header_lines([(name, "x")])


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Expect", "TE"])
def test_a_header_of_the_client_s_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="client itself"):
        header_lines([(name, "x")])


@given(st.text(), st.text())
def test_no_pair_makes_more_than_one_line(name: str, value: str) -> None:
    try:
        lines = header_lines([(name, value)])
    except ValueError:
        return
    assert lines.count(b"\r\n") == lines.count(b"\n") == lines.count(b"\r") == 1
