"""Writing to a terminal: with colours and boxes where somebody looks, as plain text elsewhere."""

import json
import os
import re
import sys
from argparse import HelpFormatter, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from attrs import define, frozen

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@frozen
class Styled:
    """A text with a colour, which never carries a meaning of its own."""

    text: str
    style: str

    def __str__(self) -> str:
        return self.text


def name(text: str) -> Styled:
    """What the user has named: a plugin, a provider, a model."""
    return Styled(text, "bold cyan")


def good(text: str) -> Styled:
    """What is as it should be."""
    return Styled(text, "green")


def bad(text: str) -> Styled:
    """What is wrong."""
    return Styled(text, "bold red")


def doubtful(text: str) -> Styled:
    """What deserves a look."""
    return Styled(text, "yellow")


def strong(text: str) -> Styled:
    """What the eye should find first."""
    return Styled(text, "bold")


def faint(text: str) -> Styled:
    """What is there for those who look for it."""
    return Styled(text, "dim")


Part = str | Styled
Parts = tuple[Part, ...]
Line = Part | Parts


@define
class Terminal:
    """Writes plain text to a stream, for pipes, files and machines without rich."""

    stream: TextIO

    def line(self, *parts: Part) -> None:
        """Write one line."""
        self.text(_plain(parts).rstrip())

    def section(self, title: str) -> None:
        """Write the heading of what follows."""
        self.line()
        self.line(strong(title))

    def problem(self, text: str) -> None:
        """Write one line on what is wrong; what stands before its first colon says where."""
        where, colon, what = text.partition(": ")
        self.line(bad(where + colon), what)

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write a label and a value a line, each in its column."""
        listed = list(rows)
        width = max((len(label) for label, _ in listed), default=0)
        for label, value in listed:
            self.line(faint(label.ljust(width)), "  ", value)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Line]]) -> None:
        """Write columns under their heads, after an empty line; nothing if there are no rows.

        Columns without any text are left out.
        """
        cells = [[parts_of(cell) for cell in row] for row in rows]
        used = [at for at in range(len(heads)) if any(_plain(row[at]) for row in cells)]
        if used:
            self.line()
            self.columns([heads[at] for at in used], [[row[at] for at in used] for row in cells])

    def columns(self, heads: Sequence[str], rows: Iterable[Sequence[Parts]]) -> None:
        """Lay out a table that has something in every column."""
        lines = [[_plain(cell) for cell in row] for row in rows]
        self._align([[head.upper() for head in heads], *lines])

    def panel(self, title: str, rows: Iterable[tuple[str, Line]]) -> None:
        """Write what belongs together, with a label before each line."""
        self.line(title)
        self._align([(f"  {label}", _plain(parts_of(line))) for label, line in rows])

    def json(self, value: Any) -> None:
        """Write JSON, which says the same wherever it goes."""
        is_narrow = (self.stream.encoding or "utf-8").lower() != "utf-8"
        self.text(json.dumps(value, indent=2, ensure_ascii=is_narrow))

    def _align(self, lines: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.text("  ".join(padded).rstrip())

    def text(self, text: str) -> None:
        """Write a text as it is, but for what the stream's encoding does not have."""
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def terminal_on(stream: TextIO) -> Terminal:
    """The terminal that suits a stream: a person at a screen, or anything else."""
    rich = _rich_for(stream)
    return rich.RichTerminal(stream) if rich else Terminal(stream)


def output() -> Terminal:
    """Where results go."""
    return terminal_on(sys.stdout)


def complaints() -> Terminal:
    """Where problems go, and whatever is no result."""
    return terminal_on(sys.stderr)


def help_formatter() -> type[HelpFormatter]:
    """The class that lays out `--help`."""
    rich = _rich_for(sys.stdout)
    return rich.RichHelp if rich else RawDescriptionHelpFormatter


def _rich_for(stream: TextIO) -> Any:
    """The module that knows rich, if a person looks and it is installed."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    try:
        from . import rich_terminal  # noqa: PLC0415 - may be missing, and takes its time
    except ImportError:
        return None
    return rich_terminal


def parts_of(line: Line) -> Parts:
    """A line as a tuple, whichever way it was given."""
    return line if isinstance(line, tuple) else (line,)


def shown(text: str) -> str:
    """A text whose control characters, which others may have sent, do nothing to a terminal."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _plain(parts: Parts) -> str:
    return "".join(shown(str(part)) for part in parts)
