"""The records in the form of an invoice, read from the admin listener."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from jackfield.commands import AdminClient

from .invoice import Invoice, family

Place = tuple[str, str, str]
"""A day, a model and a request; empty if the invoice does not have it."""


@frozen
class Sheet:
    """Counts by place, and the records of each place that no provider has reported."""

    counts: Mapping[Place, Mapping[str, int]]
    unsure: Mapping[Place, Sequence[Mapping[str, Any]]] = field(factory=dict)


def read_sheet(
    client: AdminClient, invoice: Invoice, provider: str | None, times: Mapping[str, str]
) -> Sheet:
    """Read the records of the days of an invoice, unless other times are given."""
    query = {**_span(invoice), **times} | ({"provider": provider} if provider else {})
    counts: dict[Place, Counter[str]] = {}
    unsure: dict[Place, dict[str, dict[str, Any]]] = {}
    for record in records(client, query):
        place = _place(record, invoice)
        sums = counts.setdefault(place, Counter())
        sums["cost"] += record["cost"]
        sums["requests"] += 0 if record["corrects"] or record["request"] else 1
        for name in ("input_tokens", "output_tokens"):
            sums[name] += record["tokens"].get(name, 0)
        if record["basis"] != "reported":
            _add(unsure.setdefault(place, {}), record)
    return Sheet(counts, {place: list(found.values()) for place, found in unsure.items()})


def records(client: AdminClient, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """All records that match a query, read in pages."""
    after = ""
    while True:
        parameters = {**query, "limit": "1000"} | ({"after": after} if after else {})
        page = client.get("/jackfield/usage/records", parameters)
        yield from page["data"]
        after = page["next"] or ""
        if not after:
            return


def _add(known: dict[str, dict[str, Any]], record: Mapping[str, Any]) -> None:
    """Add a record, a correction to the record that it corrects."""
    id = record["corrects"] or record["id"]
    one = known.setdefault(id, {"id": id, "cost": 0, "tokens": Counter()})
    one["cost"] += record["cost"]
    one["tokens"].update(record["tokens"])


def _place(record: Mapping[str, Any], invoice: Invoice) -> Place:
    if invoice.by_request:
        return "", "", record["request"] or record["corrects"] or record["id"]
    return record["day"], family(record["model"]), ""


def _span(invoice: Invoice) -> dict[str, str]:
    days = sorted(line.day for line in invoice.lines if line.day)
    return {"from": days[0], "until": f"{days[-1]}T23:59:59.999999"} if days else {}
