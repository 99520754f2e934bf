"""A report: counts, grouped as requested."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from attrs import frozen

from jackfield.money import show
from jackfield.store import Store

from .cells import COUNTS, PREFIX, Cell, cell_of, counts_of, scope_of, tenant_of
from .csv_cells import plain_cell
from .query import PLAIN, Query
from .record import Record, decoded

_PAGE: Final = 1000
_AT_ONCE: Final = 200
"""Cells that are added up before other tasks may go on."""

_QUARTER: Final = 900

_Key = tuple[str, ...]


@frozen
class Report:
    """Rows of a period, a value for each dimension, and counts; `cost` is in nano-dollars.

    `kept_since` is set if it was read from records and they do not go back as far as the query.
    """

    by: tuple[str, ...]
    rows: Sequence[tuple[str, _Key, Mapping[str, int]]]
    totals: Mapping[str, int]
    kept_since: float | None = None

    def as_json(self, query: Query) -> bytes:
        """The report with its query."""
        rows = [
            {"period": period, **dict(zip(self.by, key, strict=True)), **_counts(counts)}
            for period, key, counts in self.rows
        ]
        content = {
            "from": query.since,
            "until": query.until,
            "kept_since": self.kept_since,
            "per": query.per,
            "by": self.by,
            "rows": rows,
            "totals": _counts(self.totals),
        }
        return msgspec.json.encode(content)

    def as_csv(self) -> bytes:
        """The rows with a header, and the totals last."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        names = list(_counts({}))
        writer.writerow(["period", *self.by, *names])
        for period, key, counts in self.rows:
            shown = _counts(counts)
            writer.writerow([period, *map(plain_cell, key), *(shown[name] for name in names)])
        totals = _counts(self.totals)
        writer.writerow(["total", *("" for _ in self.by), *(totals[name] for name in names)])
        return text.getvalue().encode()


def _counts(counts: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {name: counts.get(name, 0) for name in COUNTS}
    nano = row.pop("cost")
    return {"cost_dollars": show(nano), "cost_nano": nano, **row}


async def made(store: Store, query: Query, tags: tuple[str, ...], kept_since: float) -> Report:
    """Create the report. Raises StoreUnavailable.

    It is read from the cells, unless they do not keep its tags, or the parts of its hours, apart;
    then from the records, of which there are none before `kept_since`.
    """
    sums: dict[tuple[str, _Key], Counter[str]] = {}
    began: dict[str, float] = {}
    totals: Counter[str] = Counter()
    has_cells = query.tags.issubset(tags) and not query.splits_hours
    source = _cells if has_cells else _records
    seen, period_of = 0, _period_of(query)
    async for cell, time, counts in source(store, query):
        seen += 1
        if seen % _AT_ONCE == 0:
            await asyncio.sleep(0)  # the process is serving requests
        if _is_selected(cell, query):
            period = period_of(time)
            key = (period, tuple(_value(cell, name) for name in query.by))
            began[period] = min(time, began.get(period, time))
            sums.setdefault(key, Counter()).update(counts)
            totals.update(counts)
    # By time, for the text of the hour that is repeated when summer time ends sorts the other way.
    ordered = sorted(sums, key=lambda row: (began[row[0]], row[1]))
    rows = [(period, key, sums[period, key]) for period, key in ordered]
    if query.per == "total":
        rows.sort(key=lambda row: -row[2]["cost"])
    is_whole = has_cells or query.since >= kept_since
    return Report(query.by, rows, totals, None if is_whole else kept_since)


def _period_of(query: Query) -> Callable[[float], str]:
    """The period of a time, computed once per quarter of an hour: no zone's hours begin within one.

    Local time is slow to compute, and a report may have a million cells.
    """

    @cache
    def of_quarter(quarter: int) -> str:
        return query.period(quarter * _QUARTER)

    return lambda time: of_quarter(int(time // _QUARTER))


async def tenants_of(store: Store, query: Query) -> list[str]:
    """The tenants whose records a query reads, in order."""
    if query.tenant is not None:
        return [query.tenant]
    found = [tenant_of(scope) for scope in await store.scopes()]
    return [tenant for tenant in found if tenant is not None]


async def _cells(
    store: Store, query: Query
) -> AsyncIterator[tuple[Cell, float, Mapping[str, int]]]:
    cells: dict[str, Cell] = {}
    for tenant in await tenants_of(store, query):
        since, until = int(query.since), int(query.until)
        for tally in await store.tallies(scope_of(tenant), PREFIX, since, until):
            cell = cells.get(tally.series)
            if cell is None:
                cell = cells[tally.series] = cell_of(tally.series)
            yield cell, tally.hour, {tally.field: tally.amount}


async def _records(
    store: Store, query: Query
) -> AsyncIterator[tuple[Cell, float, Mapping[str, int]]]:
    for tenant in await tenants_of(store, query):
        async for _, record in records(store, tenant, query):
            cell = _cell(record)
            yield cell, record.time, counts_of(record)


async def records(store: Store, tenant: str, query: Query) -> AsyncIterator[tuple[str, Record]]:
    """The records of a tenant in the time of a query, each with its place."""
    after = query.after
    while True:
        page = await store.records(
            scope_of(tenant), query.since, query.until, after=after, limit=_PAGE
        )
        for kept in page:
            yield kept.place, decoded(kept.data)
        if len(page) < _PAGE:
            return
        after = page[-1].place


def is_selected(record: Record, query: Query) -> bool:
    """Whether a record matches a query."""
    return _is_selected(_cell(record), query)


def _cell(record: Record) -> Cell:
    return Cell(record.scopes, record.provider, record.model, record.operation, record.tags)


def _is_selected(cell: Cell, query: Query) -> bool:
    if not query.within.issubset(cell.scopes):
        return False
    return all(_has(cell, name, value) for name, value in query.where.items())


def _has(cell: Cell, name: str, value: str) -> bool:
    """Whether a cell has a value; a team includes the teams below it."""
    return _value(cell, name) == value or f"{name}:{value}" in cell.scopes


def _value(cell: Cell, name: str) -> str:
    if name in PLAIN:
        return str(getattr(cell, name))
    if name.startswith("tag:"):
        return cell.tags.get(name[4:], "")
    return _innermost(cell.scopes, name + ":")


def _innermost(scopes: Iterable[str], prefix: str) -> str:
    found = ""
    for scope in scopes:
        if scope.startswith(prefix):
            found = scope[len(prefix) :]
    return found
