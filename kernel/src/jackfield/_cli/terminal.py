"""Terminal output: colours and boxes for people, plain text everywhere else."""

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
    """A text with a colour; the colour never carries meaning of its own."""

    text: str
    style: str

    def __str__(self) -> str:
        return self.text


def name(text: str) -> Styled:
    """Something the user named: a plugin, a provider, a model."""
    return Styled(text, "bold cyan")


def good(text: str) -> Styled:
    """Something that is as it should be."""
    return Styled(text, "green")


def bad(text: str) -> Styled:
    """Something that is wrong."""
    return Styled(text, "bold red")


def doubtful(text: str) -> Styled:
    """Something that deserves a look."""
    return Styled(text, "yellow")


def strong(text: str) -> Styled:
    """What should stand out."""
    return Styled(text, "bold")


def faint(text: str) -> Styled:
    """Details for those who look for them."""
    return Styled(text, "dim")


Part = str | Styled
Parts = tuple[Part, ...]
Line = Part | Parts


@define
class Terminal:
    """Writes plain text to a stream: pipes, files, and machines without rich."""

    stream: TextIO

    def line(self, *parts: Part) -> None:
        """Write one line."""
        self.text(_plain(parts).rstrip())

    def section(self, title: str) -> None:
        """Write a heading."""
        self.line()
        self.line(strong(title))

    def problem(self, text: str) -> None:
        """Write one line about a problem; the part before the first colon says where it is."""
        where, colon, what = text.partition(": ")
        self.line(bad(where + colon), what)

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write labels and values, one pair per line, in two columns."""
        listed = list(rows)
        width = max((len(label) for label, _ in listed), default=0)
        for label, value in listed:
            self.line(faint(label.ljust(width)), "  ", value)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Line]]) -> None:
        """Write a table with headings after an empty line; nothing if there are no rows.

        Columns without any text are left out.
        """
        cells = [[parts_of(cell) for cell in row] for row in rows]
        used = [at for at in range(len(heads)) if any(_plain(row[at]) for row in cells)]
        if used:
            self.line()
            self.columns([heads[at] for at in used], [[row[at] for at in used] for row in cells])

    def columns(self, heads: Sequence[str], rows: Iterable[Sequence[Parts]]) -> None:
        """Lay out a table in which every column has some text."""
        lines = [[_plain(cell) for cell in row] for row in rows]
        self._align([[head.upper() for head in heads], *lines])

    def panel(self, title: str, rows: Iterable[tuple[str, Line]]) -> None:
        """Write labelled lines that belong together."""
        self.line(title)
        self._align([(f"  {label}", _plain(parts_of(line))) for label, line in rows])

    def json(self, value: Any) -> None:
        """Write JSON, which looks the same on every kind of stream."""
        is_narrow = (self.stream.encoding or "utf-8").lower() != "utf-8"
        self.text(json.dumps(value, indent=2, ensure_ascii=is_narrow))

    def _align(self, lines: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.text("  ".join(padded).rstrip())

    def text(self, text: str) -> None:
        """Write a text; characters missing from the stream's encoding are replaced."""
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def terminal_on(stream: TextIO) -> Terminal:
    """The kind of terminal that suits a stream: for a person at a screen, or plain."""
    rich = _rich_for(stream)
    return rich.RichTerminal(stream) if rich else Terminal(stream)


def output() -> Terminal:
    """Where results go: stdout."""
    return terminal_on(sys.stdout)


def complaints() -> Terminal:
    """Where problems and other messages go: stderr."""
    return terminal_on(sys.stderr)


def help_formatter() -> type[HelpFormatter]:
    """The class that lays out `--help`."""
    rich = _rich_for(sys.stdout)
    return rich.RichHelp if rich else RawDescriptionHelpFormatter


def _rich_for(stream: TextIO) -> Any:
    """The module that uses rich, if the stream is a screen and rich is installed."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    try:
        from . import rich_terminal  # noqa: PLC0415 - may be missing, and is slow to import
    except ImportError:
        return None
    return rich_terminal


def parts_of(line: Line) -> Parts:
    """A line as a tuple of its parts, whichever way it was given."""
    return line if isinstance(line, tuple) else (line,)


def escaped(text: str) -> str:
    """A text whose control characters, which may come from others, cannot affect a terminal."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _plain(parts: Parts) -> str:
    return "".join(escaped(str(part)) for part in parts)
