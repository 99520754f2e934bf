"""What a provider says was used, and what of it can be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from jackfield._tap import Tap
from jackfield.messages import Bill, Usage

COUNTS = [name for name in Usage.__struct_fields__ if name.endswith("_tokens")]


@given(st.dictionaries(st.sampled_from(COUNTS), st.integers(0, 10**12)))
def test_a_usage_of_any_possible_size_is_reported(counts: dict[str, int]) -> None:
    reported = msgspec.convert(counts, Usage)
    assert Tap.known(reported).usage() == reported


@given(st.sampled_from(COUNTS), st.integers(max_value=-1) | st.integers(1 << 40))
def test_what_nobody_can_have_used_is_not_believed(name: str, count: int) -> None:
    assert Tap.known(structs.replace(Usage(), **{name: count})).usage() is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(1, 1, cost=-1),
        Usage(1, 1, cost=10**30),
        Usage(1, 1, units={"web_search": -3}),
        Usage(1, 1, bills=(Bill(Usage(-5)),)),
    ],
)
def test_refunds_and_fortunes_are_not_believed(usage: Usage) -> None:
    assert Tap.known(usage).usage() is None
