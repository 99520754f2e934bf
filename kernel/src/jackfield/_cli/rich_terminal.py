"""Terminal output with colours, boxes and tables. The only module that uses rich."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from attrs import define, field
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.style import StyleType
from rich.table import Column, Table
from rich.text import Text
from rich_argparse import RawDescriptionRichHelpFormatter

from .terminal import Line, Part, Parts, Terminal, escaped, faint, parts_of, strong


class RichHelp(RawDescriptionRichHelpFormatter):
    """The layout of `--help`, in the same colours as other output."""

    group_name_formatter = str
    styles: ClassVar[dict[str, StyleType]] = {
        **RawDescriptionRichHelpFormatter.styles,
        "argparse.groups": "bold",
        "argparse.prog": "bold",
        "argparse.metavar": "cyan",
    }


@define
class RichTerminal(Terminal):
    """Writes to a screen; rich respects NO_COLOR and COLUMNS."""

    _console: Console = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._console = Console(file=self.stream, highlight=False)

    def line(self, *parts: Part) -> None:
        """Write one line without wrapping it, so that it can be copied."""
        self._console.print(_text(parts), soft_wrap=True)

    def columns(self, heads: Sequence[str], rows: Iterable[Sequence[Parts]]) -> None:
        """Lay out a table in which every column has some text."""
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, header_style="dim", padding=(0, 1, 0, 0)
        )
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*map(_text, row))
        unbounded = self._console.options.update_width(10_000)
        if self._console.measure(table, options=unbounded).minimum <= self._console.width:
            for column in table.columns:  # a number, a name or a date stays whole
                column.no_wrap = not any(" " in str(cell) for cell in column.cells)
        self._console.print(table)

    def panel(self, title: str, rows: Iterable[tuple[str, Line]]) -> None:
        """Write labelled lines in a box."""
        grid = Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2))
        for label, line in rows:
            grid.add_row(_text((faint(label),)), _text(parts_of(line)))
        head = _text((strong(f" {title} "),))
        frame = Panel(
            grid, title=head, title_align="left", box=box.ROUNDED, padding=(0, 2), expand=False
        )
        self._console.print(frame)


def _text(parts: Iterable[Part]) -> Text:
    return Text.assemble(*((escaped(str(part)), getattr(part, "style", "")) for part in parts))
