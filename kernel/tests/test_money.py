"""Amounts of money: exact, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.money import NANO, Dollars, dollars, show


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("12.50", 12_500_000_000),
        ("$0.01", 10_000_000),
        ("0.000000001", 1),
        ("1e-3", 1_000_000),
        ("0", 0),
        (0.1, 100_000_000),
        (25, 25_000_000_000),
    ],
)
def test_dollars_are_read_exactly(text: str | float, nano: int) -> None:
    assert dollars(text) == nano


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-1", "must not be negative"),
        ("nan", "not an amount"),
        ("inf", "not an amount"),
        ("ten", "not an amount"),
        ("", "not an amount"),
        ("1e99", "not an amount"),
        ("0.0000000001", "finer"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        dollars(text)


def test_where_cents_are_required_a_fraction_of_one_is_refused() -> None:
    assert dollars("0.25", cents=True) == 250_000_000
    with pytest.raises(ValueError, match="fraction of a cent"):
        dollars("0.255", cents=True)


def test_an_amount_is_shown_with_the_decimals_that_it_needs() -> None:
    assert [show(n) for n in (0, 12_500_000_000, 1, -NANO)] == [
        "0.00",
        "12.50",
        "0.000000001",
        "-1.00",
    ]


@given(st.integers(min_value=0, max_value=10**18))
def test_what_is_shown_is_read_again_as_the_same(nano: int) -> None:
    assert dollars(show(nano)) == nano
    assert Dollars.from_text(str(Dollars(nano))).nano == nano
