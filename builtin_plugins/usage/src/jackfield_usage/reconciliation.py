"""The differences between an invoice and the records, and how to correct the records."""

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
    """One count that differs."""

    place: Place
    what: str
    invoice: int
    recorded: int


@frozen
class Mending:
    """The counts that a record should have."""

    id: str
    counts: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The body of a correction."""
        return {"id": self.id, **self.counts}


@frozen
class Reconciliation:
    """The differences, and corrections of records that no provider has reported."""

    compared: int
    differences: Sequence[Difference]
    corrections: Sequence[Mending]

    @classmethod
    def of(cls, invoice: Invoice, sheet: Sheet, tolerance: float, *, covers: bool = False) -> Self:
        """Compare them; counts that differ by at most `tolerance` percent are equal.

        An invoice by request that `covers` the whole sheet means that requests it does not list
        were free.
        """
        billed: dict[Place, Counter[str]] = {}
        counted = [name for name in COUNTS if any(name in line.counts for line in invoice.lines)]
        for line in invoice.lines:
            place = ("", "", line.request) if invoice.by_request else (line.day, line.model, "")
            billed.setdefault(place, Counter()).update(line.counts)
        differences = []
        for place in sorted(billed.keys() | sheet.counts.keys()):
            metered, invoiced = sheet.counts.get(place, {}), billed.get(place, Counter())
            for what in counted:
                one, other = invoiced[what], metered.get(what, 0)
                if abs(one - other) > max(one, other) * tolerance / 100:
                    differences.append(Difference(place, what, one, other))
        found = [one for place in billed for one in _corrections(place, billed[place], sheet)]
        if covers and invoice.by_request:
            found += _unbilled(sheet, billed.keys())
        return cls(len(billed.keys() | sheet.counts.keys()), differences, found)

    def rows(self) -> Iterator[Sequence[str]]:
        """A table row for each difference."""
        for one in self.differences:
            difference = one.recorded - one.invoice
            values = (one.invoice, one.recorded, difference)
            shown = [_amount(n) if one.what == "cost" else f"{n:,}" for n in values]
            yield (*one.place, one.what, *shown)

    def summary(self) -> str:
        """The result in one line."""
        found = len(self.differences)
        what = counted(found, "difference") if found else "no differences"
        return f"{what} in {counted(self.compared, 'line')}"

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
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


def _corrections(place: Place, billed: Counter[str], sheet: Sheet) -> Iterator[Mending]:
    """Distribute the difference of a place over its records that are not certain."""
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
    """Set uncertain records to 0 if the invoice does not list their requests."""
    for place in sheet.unsure.keys() - billed:
        for record in sheet.unsure[place]:
            if any(_count(record, what) for what in _MENDED):
                yield Mending(record["id"], dict.fromkeys(_MENDED, 0))


def counted(number: int, noun: str) -> str:
    """A number with a noun, which is in the plural unless there is one of it."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _amount(nano: int) -> str:
    return f"-${show(-nano)}" if nano < 0 else f"${show(nano)}"


def _shared(whole: int, weights: Sequence[int]) -> list[int]:
    """Split a whole in proportion to weights, without negative parts or loss."""
    whole = max(whole, 0)
    total = sum(weights) or len(weights)
    weights = weights if sum(weights) else [1] * len(weights)
    parts = [whole * weight // total for weight in weights]
    parts[0] += whole - sum(parts)
    return parts


def _count(record: Mapping[str, Any], what: str) -> int:
    count: int = record["cost"] if what == "cost" else record["tokens"].get(what, 0)
    return count
