"""The proof in short: it holds, and it finds out a gateway that charges after the call."""

import asyncio
from pathlib import Path

import pytest
from tests.trust.table import Table
from tests.trust.trial import Size, run
from tests.trust.verdict import table_of

SHORT = Size(requests=300, at_once=20, workers=2, kills=3, restarts=0)
MANY_KILLS = Size(requests=6_000, at_once=200, workers=4, kills=100)
SEED = 7
OF_BUDGETS = ("overshoot", "booked beyond", "left of", "held for", "double", "kinds of scopes")
OF_RECORDS = ("lost", "balances apart", "after the invoice: balances apart", "held for", "double")

pytestmark = pytest.mark.timeout(180)


def prove(folder: Path, size: Size, *, module: str = "jackfield") -> Table:
    return table_of(asyncio.run(run("sqlite", size, folder, seed=SEED, module=module)))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return prove(tmp_path_factory.mktemp("trust"), SHORT)


def test_budgets_hold_though_workers_are_killed(table: Table) -> None:
    broken = [what for what in table.broken if what.startswith(OF_BUDGETS)]
    assert not broken, "\n".join(table.lines())


def test_records_and_budgets_agree_before_and_after_the_invoice(table: Table) -> None:
    broken = [what for what in table.broken if what.startswith(OF_RECORDS)]
    assert not broken, "\n".join(table.lines())


def test_records_and_budgets_and_the_invoice_agree(table: Table) -> None:
    assert table.held, "\n".join(table.lines())


@pytest.mark.slow
def test_charging_after_the_call_is_found_out(tmp_path: Path) -> None:
    table = prove(tmp_path, SHORT, module="tests.trust.sabotage")
    assert any(what.startswith("overshoot") for what in table.broken), "\n".join(table.lines())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_under_two_hundred_requests_at_once(tmp_path: Path) -> None:
    table = prove(tmp_path, MANY_KILLS)
    broken = [what for what in table.broken if what.startswith(OF_BUDGETS)]
    assert not broken, "\n".join(table.lines())
