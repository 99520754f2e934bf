"""Costs, against a table that was worked out by hand."""

import datetime as dt
import tomllib
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from jackfield.dialects import installed
from jackfield.messages import Usage
from jackfield.money import dollars
from jackfield.plan import Target
from jackfield.prices import PriceBook

CASES: Final = tomllib.loads(Path(__file__).with_name("costs.toml").read_text())["case"]
PER: Final = {"M": Decimal(10**6), "K": Decimal(1000), "H": Decimal(3600)}
NOW: Final = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


def worked_out(line: str) -> Decimal:
    """What one line of a sum comes to."""
    product, _, unit = line.partition(" / ")
    count, _, price = product.partition(" * ")
    return Decimal(count) * Decimal(price) / PER.get(unit, Decimal(1))


def used(case: dict[str, Any]) -> Usage:
    if "usage" in case:
        return Usage(**case["usage"])
    usage = installed(case["dialect"]).usage(case["body"].encode())
    assert usage is not None
    return usage


def test_the_table_has_cases_of_many_providers() -> None:
    assert len(CASES) >= 60
    assert len({case["target"].partition("/")[0] for case in CASES}) >= 15


@each_case
def test_the_sum_of_a_case_is_what_it_says(case: dict[str, Any]) -> None:
    exact = sum(map(worked_out, case["sum"]), Decimal(0))
    assert exact.quantize(Decimal("1e-9"), ROUND_CEILING) == Decimal(case["dollars"])


@each_case
def test_a_usage_costs_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    provider, _, model = case["target"].partition("/")
    moment = dt.datetime.fromisoformat(case["at"]) if "at" in case else NOW
    cost = PriceBook().cost(Target(provider, model), used(case), at=moment.timestamp())
    assert (cost.nano, cost.unpriced, cost.missing) == (dollars(case["dollars"]), (), False)
