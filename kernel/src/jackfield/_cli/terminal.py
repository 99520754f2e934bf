"""Writing to a terminal: with colours and boxes where somebody looks, as plain text elsewhere.

This is the only module that knows rich, which may be missing.
"""

import json
import os
import sys
from argparse import HelpFormatter, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from typing import Any, Self, TextIO

from attrs import define, frozen

INSTALL = "pip install 'jackfield-kernel[cli]'"
"""How to get rich and tomli-w."""


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
Line = Part | tuple[Part, ...]


@define
class Terminal:
    """Writes to one stream. `_console` is rich's, or None for plain text."""

    stream: TextIO
    _console: Any = None

    @classmethod
    def on(cls, stream: TextIO) -> Self:
        """A terminal on a stream that may as well be a file or a pipe."""
        return cls(stream, _console_of(stream))

    @classmethod
    def stdout(cls) -> Self:
        """Where results go."""
        return cls.on(sys.stdout)

    @classmethod
    def stderr(cls) -> Self:
        """Where problems go."""
        return cls.on(sys.stderr)

    def line(self, *parts: Part) -> None:
        """Write one line."""
        if self._console is None:
            self._write("".join(map(str, parts)).rstrip())
        else:
            self._console.print(_rich_text(parts), soft_wrap=True)

    def section(self, title: str) -> None:
        """Write the heading of what follows."""
        self.line()
        self.line(strong(title))

    def problem(self, text: str) -> None:
        """Write one line on what is wrong; what stands before its first colon says where."""
        where, colon, what = text.partition(": ")
        self.line(bad(where + colon), what)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Line]]) -> None:
        """Write columns under their heads, after an empty line; nothing if there are no rows.

        Columns without any text are left out.
        """
        cells = [[_parts(cell) for cell in row] for row in rows]
        if not cells:
            return
        used = [at for at in range(len(heads)) if any(_plain(row[at]) for row in cells)]
        heads = [heads[at] for at in used]
        cells = [[row[at] for at in used] for row in cells]
        self.line()
        if self._console is None:
            self._plain_table(heads, [[_plain(cell) for cell in row] for row in cells])
        else:
            self._rich_table(heads, cells)

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write a label and a value a line, each in its column."""
        listed = list(rows)
        width = max((len(label) for label, _ in listed), default=0)
        for label, value in listed:
            self.line(faint(label.ljust(width)), "  ", value)

    def panel(self, title: str, rows: Iterable[tuple[str, Line]]) -> None:
        """Write a box with a label before each line."""
        if self._console is None:
            self._write(title)
            pairs = [(f"  {label}", _plain(_parts(line))) for label, line in rows]
            self._plain_table((), pairs)
            return
        from rich import box
        from rich.panel import Panel
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        for label, line in rows:
            grid.add_row(_rich_text((faint(label),)), _rich_text(_parts(line)))
        head = _rich_text((strong(f" {title} "),))
        self._console.print(
            Panel(grid, title=head, title_align="left", box=box.ROUNDED, padding=(0, 2), expand=False)
        )

    def json(self, value: Any) -> None:
        """Write JSON, the same wherever it goes."""
        self._write(json.dumps(value, indent=2, ensure_ascii=False))

    def _plain_table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [[head.upper() for head in heads], *rows] if heads else list(rows)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._write("  ".join(padded).rstrip())

    def _rich_table(
        self, heads: Sequence[str], rows: Iterable[Sequence[tuple[Part, ...]]]
    ) -> None:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="dim", pad_edge=False)
        for head in heads:
            table.add_column(head)
        for row in rows:
            table.add_row(*map(_rich_text, row))
        self._console.print(table)

    def _write(self, text: str) -> None:
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def help_formatter() -> type[HelpFormatter]:
    """The class that lays out `--help`."""
    if _console_of(sys.stdout) is None:
        return RawDescriptionHelpFormatter
    try:
        from rich_argparse import RawDescriptionRichHelpFormatter
    except ImportError:
        return RawDescriptionHelpFormatter
    return RawDescriptionRichHelpFormatter


def _console_of(stream: TextIO) -> Any:
    """A console of rich if a person sees the stream; None for plain text."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False)


def _parts(line: Line) -> tuple[Part, ...]:
    return line if isinstance(line, tuple) else (line,)


def _plain(parts: tuple[Part, ...]) -> str:
    return "".join(map(str, parts))


def _rich_text(parts: Iterable[Part]) -> Any:
    from rich.text import Text

    return Text.assemble(
        *((part.text, part.style) if isinstance(part, Styled) else part for part in parts)
    )
