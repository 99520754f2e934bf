"""What an invoice and the records do not agree on, and how the records could be mended."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final, Self

from attrs import frozen

from jackfield.money import show

from .invoice import COUNTS, Invoice
from .tally_sheet import Place, Sheet

_MENDED: Final = ("cost", "input_tokens", "output_tokens")


@frozen
class Difference:
    """One count on which they differ."""

    place: Place
    what: str
    invoice: int
    recorded: int


@frozen
class Mending:
    """What a record should say."""

    id: str
    counts: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The body of a correction."""
        return {"id": self.id, **self.counts}


@frozen
class Reconciliation:
    """The differences, and the corrections of records that no provider has reported."""

    compared: int
    differences: Sequence[Difference]
    corrections: Sequence[Mending]

    @classmethod
    def of(cls, invoice: Invoice, sheet: Sheet, tolerance: float, *, covers: bool = False) -> Self:
        """Compare them; counts that differ by `tolerance` percent at the most are equal.

        An invoice by request that `covers` the whole sheet says of what it lacks that it was free.
        """
        billed: dict[Place, Counter[str]] = {}
        told = [name for name in COUNTS if any(name in line.counts for line in invoice.lines)]
        for line in invoice.lines:
            place = ("", "", line.request) if invoice.by_request else (line.day, line.model, "")
            billed.setdefault(place, Counter()).update(line.counts)
        differences = []
        for place in sorted(billed.keys() | sheet.counts.keys()):
            ours, theirs = sheet.counts.get(place, {}), billed.get(place, Counter())
            for what in told:
                one, other = theirs[what], ours.get(what, 0)
                if abs(one - other) > max(one, other) * tolerance / 100:
                    differences.append(Difference(place, what, one, other))
        found = [one for place in billed for one in _mendings(place, billed[place], sheet)]
        if covers and invoice.by_request:
            found += _unbilled(sheet, billed.keys())
        return cls(len(billed.keys() | sheet.counts.keys()), differences, found)

    def rows(self) -> Iterator[Sequence[str]]:
        """A line of a table for each difference."""
        for one in self.differences:
            difference = one.recorded - one.invoice
            values = (one.invoice, one.recorded, difference)
            shown = [f"${show(n)}" if one.what == "cost" else f"{n:,}" for n in values]
            yield (*one.place, one.what, *shown)

    def summary(self) -> str:
        """What came of it in a line."""
        if not self.differences:
            return f"no differences in {self.compared:,} places"
        return f"{len(self.differences):,} differences in {self.compared:,} places"

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        names = ("day", "model", "request")
        return {
            "compared": self.compared,
            "differences": [
                {
                    **dict(zip(names, one.place, strict=True)),
                    "what": one.what,
                    "invoice": one.invoice,
                    "recorded": one.recorded,
                }
                for one in self.differences
            ],
        }


def _mendings(place: Place, billed: Counter[str], sheet: Sheet) -> Iterator[Mending]:
    """Share what is missing, or too much, among the records of a place that are not sure."""
    unsure = sheet.unsure.get(place, ())
    if not unsure:
        return
    shares: list[dict[str, int]] = [{} for _ in unsure]
    for what in _MENDED:
        if what not in billed:
            continue
        before = [_count(record, what) for record in unsure]
        sure = sheet.counts[place].get(what, 0) - sum(before)
        for share, amount in zip(shares, _shared(billed[what] - sure, before), strict=True):
            share[what] = amount
    for record, share in zip(unsure, shares, strict=True):
        if any(_count(record, what) != amount for what, amount in share.items()):
            yield Mending(record["id"], share)


def _unbilled(sheet: Sheet, billed: Set[Place]) -> Iterator[Mending]:
    """Records that are not sure of requests that no invoice has."""
    for place in sheet.unsure.keys() - billed:
        for record in sheet.unsure[place]:
            if any(_count(record, what) for what in _MENDED):
                yield Mending(record["id"], dict.fromkeys(_MENDED, 0))


def _shared(whole: int, weights: Sequence[int]) -> list[int]:
    """Parts of a whole, in proportion to their weights, none below 0 and none lost."""
    whole = max(whole, 0)
    total = sum(weights) or len(weights)
    weights = weights if sum(weights) else [1] * len(weights)
    parts = [whole * weight // total for weight in weights]
    parts[0] += whole - sum(parts)
    return parts


def _count(record: Mapping[str, Any], what: str) -> int:
    count: int = record["cost"] if what == "cost" else record["tokens"].get(what, 0)
    return count
