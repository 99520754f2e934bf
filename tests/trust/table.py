"""The figures of a run, each beside its bar."""

from collections.abc import Iterator

from attrs import define, field, frozen


@frozen
class Figure:
    """What was measured, as text. `held` is whether its bar is kept, None if it has none."""

    what: str
    measured: str
    bar: str = ""
    held: bool | None = None

    def line(self) -> str:
        """A line of the table."""
        verdict = {True: "pass", False: "FAIL", None: ""}[self.held]
        return f"  {self.what:<58} {self.measured:>26}  {self.bar:<14} {verdict}".rstrip()


@define
class Table:
    """All figures of one run."""

    title: str
    figures: list[Figure] = field(factory=list)

    @property
    def held(self) -> bool:
        """Whether every bar is kept."""
        return all(figure.held is not False for figure in self.figures)

    @property
    def broken(self) -> list[str]:
        """What is below its bar."""
        return [figure.what for figure in self.figures if figure.held is False]

    def show(self, what: str, measured: str) -> None:
        """A figure without a bar."""
        self.figures.append(Figure(what, measured))

    def nothing(self, what: str, measured: int, shown: str = "") -> None:
        """A figure that must be 0."""
        self.figures.append(Figure(what, shown or f"{measured:,}", "0", measured == 0))

    def below(self, what: str, measured: float, bar: float, unit: str = "") -> None:
        """A figure that must stay below its bar."""
        shown = f"< {bar:g}{unit}"
        self.figures.append(Figure(what, f"{measured:.2f}{unit}", shown, measured < bar))

    def at_least(self, what: str, measured: int, bar: int) -> None:
        """A figure that must reach its bar, or the run has proved nothing."""
        self.figures.append(Figure(what, f"{measured:,}", f">= {bar:,}", measured >= bar))

    def lines(self) -> Iterator[str]:
        """The table."""
        yield self.title
        yield from (figure.line() for figure in self.figures)
        verdict = "every bar is kept" if self.held else f"BROKEN: {'; '.join(self.broken)}"
        yield f"  {verdict}"
