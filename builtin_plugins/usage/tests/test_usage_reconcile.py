"""Comparing the records with an invoice, and mending what was only estimated."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackfield.errors import ConfigError
from jackfield_usage.correction import Correction, adjustment_of, corrected
from jackfield_usage.invoice import read_invoice
from jackfield_usage.reconciliation import Reconciliation
from jackfield_usage.record import Record
from jackfield_usage.tally_sheet import Sheet

from .conftest import Office, Opened

Wrote = Callable[[str], Path]
DAY = ("2026-11-01", "gpt-5", "")


@pytest.fixture
def wrote(tmp_path: Path) -> Wrote:
    """Writes an invoice."""

    def write(text: str) -> Path:
        path = tmp_path / "invoice.csv"
        path.write_text(text)
        return path

    return write


def sheet(cost: int, *unsure: dict[str, Any]) -> Sheet:
    counts = {"cost": cost, "requests": 3, "input_tokens": 300}
    return Sheet({DAY: counts}, {DAY: list(unsure)})


def test_an_invoice_that_agrees_has_no_differences(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("date,model,cost,requests\n2026-11-01,gpt-5,0.50,3\n"))
    found = Reconciliation.of(invoice, sheet(500_000_000), 0)
    assert (found.differences, found.summary()) == ([], "no differences in 1 line")


def test_the_lines_of_a_day_are_added_up(wrote: Wrote) -> None:
    invoice = read_invoice(
        wrote("Date,Model,Amount USD\n2026-11-01,gpt-5,$0.20\n2026-11-01T10:00Z,gpt-5,0.30\n")
    )
    assert not Reconciliation.of(invoice, sheet(500_000_000), 0).differences


def test_a_difference_is_reported_with_its_place(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("date,model,cost\n2026-11-01,gpt-5,0.60\n"))
    found = Reconciliation.of(invoice, sheet(500_000_000), 0)
    assert list(found.rows()) == [("2026-11-01", "gpt-5", "", "cost", "$0.60", "$0.50", "-$0.10")]
    assert not Reconciliation.of(invoice, sheet(500_000_000), 17).differences


def test_what_one_side_lacks_is_a_difference(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("date,model,requests\n2026-11-02,gpt-5,1\n"))
    found = Reconciliation.of(invoice, sheet(0), 0)
    assert [(one.place[0], one.invoice, one.recorded) for one in found.differences] == [
        ("2026-11-01", 0, 3),
        ("2026-11-02", 1, 0),
    ]


def test_what_is_missing_is_shared_among_the_records_that_are_not_sure(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("date,model,cost\n2026-11-01,gpt-5,0.90\n"))
    unsure = [{"id": name, "cost": cost, "tokens": {}} for name, cost in (("a", 100), ("b", 300))]
    found = Reconciliation.of(invoice, sheet(500_000_400, *unsure), 0)
    # Of $0.90 the provider itself has reported $0.50; what is left goes 1 to 3.
    assert [one.as_json() for one in found.corrections] == [
        {"id": "a", "cost": 100_000_000},
        {"id": "b", "cost": 300_000_000},
    ]


CLOUDS = {
    "aws": (
        "line_item_usage_start_date,line_item_usage_type,line_item_currency_code,"
        "line_item_unblended_cost,model",
        "2026-11-01T14:00:00Z,USE1-gpt-5-input-tokens,{},0.2500000000,gpt-5",
    ),
    "legacy aws": (
        "lineItem/UsageStartDate,lineItem/CurrencyCode,lineItem/UnblendedCost,model",
        "2026-11-01T14:00:00Z,{},0.25,gpt-5",
    ),
    "azure": (
        "Date,MeterName,CostInBillingCurrency,BillingCurrencyCode,Model",
        "2026-11-01,gpt 5 Inp glbl Tokens,0.25,{},gpt-5",
    ),
    "focus": (
        "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,SkuId,Model",
        "0.25,{},2026-11-01T14:00:00.000Z,2026-11-01T15:00:00.000Z,x,gpt-5",
    ),
    "google": (
        "service.description,sku.description,usage_start_time,cost,currency,model",
        "Vertex AI,Input,2026-11-01 14:00:00 UTC,0.25,{},gpt-5",
    ),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_exports_of_clouds_only_need_a_model(wrote: Wrote, cloud: str) -> None:
    head, line = CLOUDS[cloud]
    lines = "\n".join([head, *[line.format("USD")] * 2])
    assert not Reconciliation.of(read_invoice(wrote(lines)), sheet(500_000_000), 0).differences
    with pytest.raises(ConfigError, match="is in EUR: amounts are compared in dollars"):
        read_invoice(wrote(lines.replace("USD", "EUR")))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has neither the columns date and model, nor request_id, but nothing; rename or add"),
        ("Day Of Use,SKU,Cost\n", "neither .* but Day Of Use, SKU, Cost; rename or add columns"),
        ("date,model\n", "has none of the columns"),
        ("date,model,cost,Cost \n2026-11-01,gpt-5,1,2\n", "has the column 'cost' twice"),
        ("date,model,cost\n2026-11-01,gpt-5,1_0\n", "cost '1_0' is not an amount"),
        ("date,model,cost\n2026-11-01,gpt-5,\u0665\n", "is not an amount"),
        ("date,model,input_tokens\n2026-11-01,gpt-5,1e99999\n", "'1e99999' is not a count"),
        ("date,model,cost\nyesterday,gpt-5,1\n", "invoice.csv:2"),
        ("date,model,cost\n2026-11-01,gpt-5,-1\n", "must not be negative: leave out .* credits"),
        ("date,model,requests\n2026-11-01,gpt-5,1.5\n", "not a count"),
        ('date,model,cost\n2026-11-01,gpt-5,"12,50"\n', "a comma must precede 3 digits"),
        ('date,model,cost\n2026-11-01,gpt-5,"1.234,56"\n', "a comma must precede 3 digits"),
        ("date;model;cost\n2026-11-01;gpt-5;0,50\n", "a comma must precede 3 digits"),
        ("date,model,requests\n11/01/2026,gpt-5,1\n", "'11/01/2026' is not a day"),
        ("date,model,cost,currency\n2026-11-01,gpt-5,1,EUR\n", "is in EUR"),
        ('date,model,cost\n2026-11-01,"a\nb",1\nTotal,,1\n', "invoice.csv:4: 'Total' is not a day"),
        ("date,model,cost\n,,1\n", "leave out totals and credits"),
        ("request_id,cost\n,1\n", "leave out totals and credits"),
        ("date,model,requests\n2026-11-01,gpt-5,many\n", "'many' is not a count"),
        ("date,model,cost\n", "has no line with usage, so there is nothing to compare"),
        ("date,model,cost\n2026-11-01,gpt-5,\n", "has no line with usage"),
        ("date,model,cost\n2026-11-01,gpt-5,1,234.00\n", "invoice.csv:2: has 4 cells"),
        ('date,model,cost\n2026-11-01,"gpt-5,1\n2026-11-02,gpt-5,1\n', "has 2 cells"),
    ],
)
def test_an_invoice_that_cannot_be_read_is_refused_with_its_line(
    wrote: Wrote, text: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_invoice(wrote(text))


def test_the_error_for_another_encoding_explains_how_to_save_the_invoice(tmp_path: Path) -> None:
    path = tmp_path / "invoice.csv"
    path.write_text("date,model,cost\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="is not UTF-8; save it as"):
        read_invoice(path)


def test_a_line_without_usage_needs_no_model(wrote: Wrote) -> None:
    text = "date,model,input_tokens,requests\n2026-11-01,gpt-5,3,1\n2026-11-02,,0,0\n"
    assert [line.day for line in read_invoice(wrote(text)).lines] == ["2026-11-01"]


def test_large_counts_are_read_exactly(wrote: Wrote) -> None:
    text = "date,model,input_tokens\n2026-11-01,gpt-5,9007199254740993\n"
    (line,) = read_invoice(wrote(text)).lines
    assert line.counts == {"input_tokens": 9_007_199_254_740_993}


@pytest.mark.parametrize(
    "text",
    [
        "date,model,cost,input_tokens\n2026-11-01,gpt-5,0.50,300\n",
        "\ufeffdate;model;cost;input_tokens\r\n2026-11-01;gpt-5;0.50;300\r\n",
        # As OpenAI exports costs and completions: seconds of 1970, many decimals, empty days.
        "start_time,amount_value,amount_currency,line_item,input_tokens\n"
        '1793491200,0.2000000000000001,usd,"gpt-5-2025-08-07, input",300\n'
        '1793491200,0.3,usd,"gpt-5-2025-08-07, output",\n1793577600,,,,\n',
        # As Anthropic exports usage: the input in parts.
        "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_read,"
        "cost_usd\n2026-11-01,gpt-5-20250807,100,200,0.50\n",
    ],
    ids=["plain", "semicolons", "OpenAI", "Anthropic"],
)
def test_exports_of_providers_are_understood(wrote: Wrote, text: str) -> None:
    (billed,) = {(line.day, line.model) for line in read_invoice(wrote(text)).lines}
    assert billed == DAY[:2]
    found = Reconciliation.of(read_invoice(wrote(text)), sheet(500_000_000), 0)
    assert not found.differences


def test_a_correction_is_the_difference_to_all_earlier_records() -> None:
    first = Record("r", 1.0, cost=100, tokens={"input_tokens": 7}, basis="estimated")
    (once,) = corrected([first], [Correction("r", cost=150, input_tokens=9)])
    assert (once.corrects, once.cost, once.tokens) == ("r", 50, {"input_tokens": 2})
    (twice,) = corrected([first, once], [Correction("r", cost=120)])
    assert (twice.id, twice.cost) == ("r.2", -30)
    assert not list(corrected([first, once], [Correction("r", cost=150)]))


def test_what_a_provider_has_reported_is_never_corrected() -> None:
    assert not list(corrected([Record("r", 1.0, cost=100)], [Correction("r", cost=1)]))


async def test_a_correction_shows_in_records_and_reports(opened: Opened) -> None:
    async with opened() as office:
        office.client.fake.reply("one", cut=True)
        await (await office.client.chat(stream=True)).read()
        (record,) = await office.records()
        body = [{"id": record["id"], "cost": 1_000_000}]
        answer = await office.admin.post("/jackfield/usage/corrections", json=body)
        assert await answer.json() == {"corrected": [record["id"]]}
        (row,) = await office.rows("by=model")
    assert record["basis"] == "estimated"
    assert (row["requests"], row["cost_nano"]) == (1, 1_000_000)


def _with_an_estimate(office: Office) -> None:
    now = office.gateway.setup.ledger.now()
    office.post(Record("r", now - 1, cost=100, basis="estimated"))


async def test_corrections_made_at_the_same_time_are_applied_once(opened: Opened) -> None:
    async with opened() as office:
        _with_an_estimate(office)
        body = [{"id": "r", "cost": 40}]
        path = "/jackfield/usage/corrections"
        answers = await asyncio.gather(*[office.admin.post(path, json=body) for _ in range(5)])
        found = sorted([(await answer.json())["corrected"] for answer in answers])
        (row,) = await office.rows("by=model")
    assert (found, row["cost_nano"]) == ([[], [], [], [], ["r"]], 40)


@pytest.mark.parametrize("counts", [{"cost": -1}, {"input_tokens": -1}, {"cost": 1 << 62}])
async def test_a_correction_to_an_impossible_count_is_refused(
    opened: Opened, counts: dict[str, int]
) -> None:
    async with opened() as office:
        _with_an_estimate(office)
        body = [{"id": "r", **counts}]
        answer = await office.admin.post("/jackfield/usage/corrections", json=body)
        (row,) = await office.rows("by=model")
    assert (answer.status, row["cost_nano"]) == (400, 100)


UNBILLED = {"cost": 0, "input_tokens": 0, "output_tokens": 0}


def by_request(*unsure: str) -> Sheet:
    record = {"cost": 100, "tokens": {"input_tokens": 7}}
    return Sheet(
        {("", "", id): {"cost": 100, "input_tokens": 7} for id in unsure},
        {("", "", id): [{"id": id, **record}] for id in unsure},
    )


def test_what_an_invoice_by_request_lacks_was_not_billed(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("request_id,cost\nr1,0.0000001\n"))
    found = Reconciliation.of(invoice, by_request("r1", "r2"), 0, covers=True)
    assert [one.as_json() for one in found.corrections] == [{"id": "r2", **UNBILLED}]


def test_an_invoice_of_an_unknown_time_proves_nothing_about_what_it_lacks(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("request_id,cost\nr1,0.0000001\n"))
    assert not Reconciliation.of(invoice, by_request("r1", "r2"), 0).corrections


def test_an_invoice_by_day_proves_nothing_about_single_requests(wrote: Wrote) -> None:
    invoice = read_invoice(wrote("date,model,cost\n2026-11-02,gpt-5,1\n"))
    unsure = {"id": "a", "cost": 100, "tokens": {}}
    assert not Reconciliation.of(invoice, sheet(100, unsure), 0, covers=True).corrections


def test_tokens_that_were_charged_are_corrected_in_budgets_by_what_was_charged() -> None:
    charged = {"input_tokens": 50, "output_tokens": 90}
    first = Record("r", 1.0, cost=100, tokens={"input_tokens": 7}, charged=charged)
    first = msgspec.structs.replace(first, basis="estimated")
    (once,) = corrected([first], [Correction("r", cost=10, input_tokens=7, output_tokens=3)])
    assert once.tokens == {"output_tokens": 3}
    change = adjustment_of(once, "acme")
    assert (change.nano, change.input_tokens, change.output_tokens) == (-90, -43, -87)
