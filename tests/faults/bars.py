"""What the heavy tests measure, each figure beside its bar, for the table at the end of the run."""

from attrs import define, field, frozen


@frozen
class Figure:
    """One measured value and the bar that it is held to."""

    fault: str
    amount: str
    what: str
    measured: float
    bar: str
    held: bool

    def line(self) -> str:
        """The figure as a line of the table."""
        verdict = "held" if self.held else "BROKEN"
        row = f"{self.fault:<37} {self.amount:>6}  {self.what:<46}"
        return f"{row} {round(self.measured, 2):>8,} {self.bar:<9} {verdict}"


@define
class Bars:
    """The bars of one fault, which was provoked `amount` times; each figure is kept and judged."""

    fault: str
    amount: str
    _figures: list[Figure]

    def at_most(self, bar: float, measured: float, what: str) -> None:
        """Hold a figure to what it must not exceed."""
        self._judge(what, measured, f"<= {bar:,g}", held=measured <= bar)

    def at_least(self, bar: float, measured: float, what: str) -> None:
        """Hold a figure to what it must reach."""
        self._judge(what, measured, f">= {bar:,g}", held=measured >= bar)

    def _judge(self, what: str, measured: float, bar: str, *, held: bool) -> None:
        figure = Figure(self.fault, self.amount, what, measured, bar, held)
        self._figures.append(figure)
        assert held, figure.line()


@define
class Figures:
    """All figures of one run."""

    all: list[Figure] = field(factory=list)

    def of(self, fault: str, amount: int) -> Bars:
        """The bars of one fault."""
        return Bars(fault, f"{amount:,}", self.all)
