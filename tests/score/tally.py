"""Counts what came through, and prints it as a table."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from attrs import define, field

from .answers import Miss
from .limits import Limit, explanation

Row = tuple[str, ...]


@define
class Cell:
    """How many exchanges were scored, came through unharmed, and miss something explained.

    Of those that are explained, `flawed` miss nothing but what is wrong in the recording.
    """

    scored: int = 0
    unharmed: int = 0
    explained: int = 0
    flawed: int = 0
    features: Counter[str] = field(factory=Counter)

    def __str__(self) -> str:
        shown = f"{self.unharmed}/{self.scored}"
        return f"{shown} +{self.explained}" if self.explained else shown

    @property
    def percent(self) -> str:
        """The share that is unharmed, that of sound recordings, and with all that is explained."""
        if not self.scored:
            return ""
        sound = self.scored - self.flawed
        answer = (self.unharmed + self.explained) / self.scored
        shares = (self.unharmed / self.scored, self.unharmed / sound if sound else 1.0, answer)
        return "{:.1%} {:.1%} {:.1%}".format(*shares)


@define
class Tally:
    """One score: rows by what was scored, columns by who reads it."""

    title: str
    cells: dict[tuple[Row, str], Cell] = field(factory=lambda: defaultdict(Cell))
    totals: dict[str, Cell] = field(factory=lambda: defaultdict(Cell))
    missed: list[tuple[str, Miss]] = field(factory=list)
    explained: Counter[tuple[str, Limit]] = field(factory=Counter)

    def add(self, rows: Sequence[Row], column: str, misses: Sequence[Miss]) -> None:
        """Count one exchange, in its rows."""
        reasons = [explanation(column, miss) for miss in misses]
        self.explained.update((column, reason) for reason in set(reasons) if reason)
        unexplained = [m for m, reason in zip(misses, reasons, strict=True) if reason is None]
        self.missed += [(column, miss) for miss in unexplained]
        for cell in [*(self.cells[row, column] for row in rows), self.totals[column]]:
            cell.scored += 1
            cell.unharmed += not misses
            cell.explained += bool(misses) and not unexplained
            cell.flawed += bool(misses) and all(r and r.why == "recording" for r in reasons)
            cell.features.update({miss.feature for miss in unexplained})

    def lines(self) -> Iterator[str]:
        """The table; behind a cell's `+` stands what is explained in limits.toml."""
        columns = list(self.totals)
        rows = sorted({row for row, _ in self.cells})
        table = [["", *columns, "misses"]]
        for row in rows:
            cells = [self.cells.get((row, column), Cell()) for column in columns]
            features = sum((cell.features for cell in cells), Counter[str]())
            shown = " ".join(f"{name}:{n}" for name, n in features.most_common(4))
            table.append([" ".join(row), *(str(c) if c.scored else "" for c in cells), shown])
        totals = [self.totals[column] for column in columns]
        table += [["all", *map(str, totals), ""], ["", *(cell.percent for cell in totals), ""]]
        widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
        yield self.title
        for line in table:
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            yield "  ".join(padded).rstrip()

    def details(self) -> Iterator[str]:
        """Every miss that nothing explains, and each explanation with how often it holds."""
        for column, miss in self.missed:
            yield f"MISS  {column}  {miss.id}  {miss.feature}: {miss.detail}"
        for (column, limit), n in sorted(self.explained.items(), key=str):
            yield f"limit {column}  {n} x {limit.feature} ({limit.why}): {limit.reason}"
