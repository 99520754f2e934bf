"""`jackfield usage` and `jackfield reconcile`."""

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from jackfield.commands import (
    FAILED,
    AdminClient,
    add_config_option,
    bar,
    doubtful,
    faint,
    name,
    output,
    strong,
    with_client,
)
from jackfield.errors import ConfigError

from .export import export
from .invoice import read_invoice
from .reconciliation import Mending, Reconciliation, counted
from .tally_sheet import Sheet, read_sheet

_AT_ONCE = 1_000  # corrections
_MOST_PERCENT = 100
_WIDE = 100  # columns of a screen that has room for bars beside the figures
_ROOM = 1.3  # a full bar is red, but the largest cost is not a problem
_LABELS = ("period", "cost", "", "requests", "input", "output", "")


def usage(parser: ArgumentParser) -> None:
    """Who spent what, when and on what."""
    parser.description = "Show what was used and what it cost, whether the gateway runs or not."
    parser.epilog = """examples:
  jackfield usage --by team --by model
  jackfield usage --by provider --per day --from 2026-11-01 --zone Europe/Berlin
  jackfield usage --where team=search --by tag:feature --json
  jackfield usage --export november.parquet --from 2026-11-01 --until 2026-12-01"""
    _common(parser)
    parser.add_argument(
        "--by",
        metavar="WHAT",
        action="append",
        default=[],
        help="a line for each organization, team, user, project, key, model, provider, operation"
        " or tag:NAME; may be repeated",
    )
    parser.add_argument("--per", default="total", help="hour, day, month or total (the default)")
    parser.add_argument(
        "--where",
        metavar="WHAT=VALUE",
        action="append",
        default=[],
        help="only what has this value; may be repeated",
    )
    parser.add_argument(
        "--export",
        metavar="FILE",
        type=Path,
        help="write the single records to a .csv or .parquet file",
    )
    parser.set_defaults(run=with_client(_usage), prog=parser.prog)


def reconcile(parser: ArgumentParser) -> None:
    """Compare what was recorded with a provider's invoice."""
    parser.description = "Compare the records with a provider's invoice, by day and model."
    parser.epilog = """The invoice is a CSV file with the columns date, model and any of cost,
input_tokens, output_tokens and requests; or with request_id in place of date and model.

examples:
  jackfield reconcile invoice.csv --provider openai
  jackfield reconcile invoice.csv --provider openai --tolerance 1 --apply
  jackfield reconcile requests.csv --provider openai --from 2026-11-01 --until 2026-12-01 --apply

Requests that an invoice by request does not list were not billed, if its provider and time are
known: by --provider, and by its dates or --from and --until.

Exit codes: 0 no difference, 1 differences, 2 the invoice cannot be read."""
    _common(parser)
    parser.add_argument("invoice", metavar="INVOICE.csv", type=Path)
    parser.add_argument("--provider", metavar="NAME", help="the provider, by the name of its table")
    parser.add_argument(
        "--tolerance",
        metavar="PERCENT",
        type=_percent,
        default=0.0,
        help="how far costs and tokens may differ (default: 0)",
    )
    parser.add_argument(
        "--apply",
        action="store_true",
        help="correct records whose usage no provider reported; the others are not changed",
    )
    parser.set_defaults(run=with_client(_reconcile), prog=parser.prog)


def _common(parser: ArgumentParser) -> None:
    add_config_option(parser)
    parser.add_argument("--from", dest="since", metavar="TIME", help="as 2026-11-01 (30 days ago)")
    parser.add_argument("--until", metavar="TIME", help="the end, exclusive")
    parser.add_argument("--zone", default="UTC", help="the time zone of the days (default: UTC)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def _usage(client: AdminClient, arguments: Namespace) -> int:
    where = _pairs(arguments.where)
    if arguments.export is not None:
        if arguments.by or arguments.per != "total":
            raise ConfigError(["--export: writes single records; leave out --by and --per"])
        return _export(client, arguments, where)
    query = _times(arguments) | where | {"per": arguments.per}
    if arguments.by:
        query["by"] = ",".join(arguments.by)
    report = client.get("/jackfield/usage", query)
    if arguments.json:
        output().json(report)
    else:
        _show(report)
    return 0


def _show(report: Mapping[str, Any]) -> None:
    terminal = output()
    most = max((row["cost_nano"] for row in report["rows"]), default=0)
    with_bars = most > 0 and get_terminal_size().columns >= _WIDE
    rows = [
        (
            faint(row["period"]),
            *(name(row[one] or "-") for one in report["by"]),
            strong(f"${row['cost_dollars']}"),
            bar(row["cost_nano"], most * _ROOM) if with_bars else "",
            str(row["requests"]),
            f"{row['input_tokens']:,}",
            f"{row['output_tokens']:,}",
            faint(_remark(row)),
        )
        for row in report["rows"]
    ]
    terminal.table(["period", *report["by"], *_LABELS[1:]], rows)
    totals = report["totals"]
    terminal.line()
    requests = counted(totals["requests"], "request")
    terminal.line(strong(f"${totals['cost_dollars']}"), f"  {requests}  ", faint(_remark(totals)))
    if report["kept_since"] is not None:
        since = dt.datetime.fromtimestamp(report["kept_since"], dt.UTC).date()
        terminal.line(doubtful("incomplete: "), f"it is read from records, kept since {since} only")


def _remark(counts: Mapping[str, int]) -> str:
    notes = []
    if counts["price_missing"]:
        notes.append(f"{counts['price_missing']} without a price")
    if counts["estimated"]:
        notes.append(f"{counts['estimated']} estimated")
    return ", ".join(notes)


def _export(client: AdminClient, arguments: Namespace, where: Mapping[str, str]) -> int:
    count = export(client, arguments.export, {**_times(arguments), **where})
    if arguments.json:
        output().json({"file": str(arguments.export), "records": count})
    else:
        output().line(f"{counted(count, 'record')} in ", name(str(arguments.export)))
    return 0


def _reconcile(client: AdminClient, arguments: Namespace) -> int:
    invoice = read_invoice(arguments.invoice)
    sheet: Sheet = read_sheet(client, invoice, arguments.provider, _times(arguments))
    covers = bool(arguments.provider and (invoice.dated or (arguments.since and arguments.until)))
    found = Reconciliation.of(invoice, sheet, arguments.tolerance, covers=covers)
    mended = _apply(client, found.corrections) if arguments.apply else 0
    terminal = output()
    if arguments.json:
        terminal.json({**found.as_json(), "corrected": mended})
    else:
        heads = ["day", "model", "request", "what", "invoice", "recorded", "difference"]
        terminal.table(heads, found.rows())
        terminal.line()
        terminal.line(strong(found.summary()))
        if arguments.apply:
            terminal.line(f"{counted(mended, 'record')} corrected")
    return FAILED if found.differences else 0


def _apply(client: AdminClient, corrections: Sequence[Mending]) -> int:
    """Send the corrections, in batches; returns how many records were corrected."""
    mended = 0
    for at in range(0, len(corrections), _AT_ONCE):
        body = [one.as_json() for one in corrections[at : at + _AT_ONCE]]
        mended += len(client.send("POST", "/jackfield/usage/corrections", body)["corrected"])
    return mended


def _times(arguments: Namespace) -> dict[str, str]:
    given = {"from": arguments.since, "until": arguments.until, "zone": arguments.zone}
    return {key: value for key, value in given.items() if value}


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key in pairs:
            raise ConfigError([f"--where: expected WHAT=VALUE, each once, found {text!r}"])
        pairs[key] = value
    return pairs


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= _MOST_PERCENT:
        raise ArgumentTypeError(f"expected a number from 0 to {_MOST_PERCENT}, found {text!r}")
    return percent
