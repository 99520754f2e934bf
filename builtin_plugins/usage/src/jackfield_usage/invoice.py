"""A provider's invoice: a CSV file, whose columns go by several names."""

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from jackfield.errors import ConfigError
from jackfield.money import dollars

COUNTS: Final = ("cost", "input_tokens", "output_tokens", "requests")
"""What an invoice can tell; `cost` is in dollars there, and here in nano-dollars."""

_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "date": ("date", "day", "usage_date", "usage_date_utc", "time", "start_time"),
    "model": ("model", "model_version", "model_name", "snapshot", "model_id", "line_item"),
    "request_id": ("request_id", "x_request_id", "id"),
    "cost": ("cost", "cost_usd", "amount", "amount_usd", "amount_value", "total"),
    "input_tokens": ("input_tokens", "prompt_tokens", "n_context_tokens_total"),
    "output_tokens": ("output_tokens", "completion_tokens", "n_generated_tokens_total"),
    "requests": ("requests", "num_requests", "n_requests", "num_model_requests"),
}


@frozen
class Line:
    """One line: of a day and a model, or of one request; `counts` has what it tells."""

    day: str
    model: str
    request: str
    counts: Mapping[str, int]


@frozen
class Invoice:
    """The lines of a file. `by_request` says that each is of one request."""

    lines: Sequence[Line]
    by_request: bool

    @property
    def dated(self) -> bool:
        """Whether each line tells its day."""
        return bool(self.lines) and all(line.day for line in self.lines)


def read_invoice(path: Path) -> Invoice:
    """Read a file. Raises ConfigError, naming the line that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    columns = _columns(path, rows[0] if rows else [])
    by_request = "request_id" in columns
    lines = [
        _line(columns, row, f"{path}:{number}")
        for number, row in enumerate(rows[1:], 2)
        if any(row)
    ]
    return Invoice(lines, by_request)


def _columns(path: Path, head: Sequence[str]) -> Mapping[str, int]:
    plain = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in head]
    found = {
        column: plain.index(name)
        for column, names in _NAMES.items()
        for name in names[::-1]
        if name in plain
    }
    if "request_id" not in found and not {"date", "model"} <= found.keys():
        raise ConfigError([f"{path}: has neither the columns date and model, nor request_id"])
    if found.keys().isdisjoint(COUNTS):
        raise ConfigError([f"{path}: has none of the columns {', '.join(COUNTS)}"])
    return found


def _line(columns: Mapping[str, int], row: Sequence[str], where: str) -> Line:
    def cell(name: str) -> str:
        at = columns.get(name)
        return row[at].strip() if at is not None and at < len(row) else ""

    try:
        day = cell("date")
        if day:
            day = dt.date.fromisoformat(day[:10]).isoformat()
        counts = {name: _count(name, text) for name in COUNTS if (text := cell(name))}
    except ValueError as error:
        raise ConfigError([f"{where}: {error}"]) from None
    return Line(day, cell("model"), cell("request_id"), counts)


def _count(name: str, text: str) -> int:
    plain = text.replace(",", "").removeprefix("$")
    if name == "cost":
        return dollars(plain)
    count = float(plain)
    if count < 0 or not count.is_integer():
        raise ValueError(f"{name} {text!r} is no count")
    return int(count)
