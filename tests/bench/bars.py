"""Figures held to their bars, and the table of them."""

from collections.abc import Iterable
from math import isnan

from attrs import frozen


@frozen
class Bar:
    """One figure: it must be at most `must`, and should be at most `aim`. NaN: not measured."""

    figure: str
    measured: float
    must: float
    aim: float
    unit: str

    @property
    def verdict(self) -> str:
        """How it stands, in a word."""
        if isnan(self.must) and isnan(self.aim):
            return ""
        if isnan(self.measured):
            return "not measured"
        if isnan(self.must):
            return "aim met" if self.measured <= self.aim else "above the aim"
        if self.measured > self.must:
            return "FAIL"
        return "pass, aim met" if self.measured <= self.aim else "pass"


def table(bars: Iterable[Bar]) -> str:
    """All figures, one a line, in Markdown."""
    lines = ["| figure | measured | must | aim | |", "|---|--:|--:|--:|---|"]
    for bar in bars:
        measured = "" if isnan(bar.measured) else f"{bar.measured:.3g} {bar.unit}"
        must = "" if isnan(bar.must) else f"≤ {bar.must:g}"
        aim = "" if isnan(bar.aim) else f"≤ {bar.aim:g}"
        lines.append(f"| {bar.figure} | {measured} | {must} | {aim} | {bar.verdict} |")
    return "\n".join(lines) + "\n"
