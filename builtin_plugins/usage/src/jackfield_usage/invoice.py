"""A provider's invoice: a CSV file, whose columns go by several names."""

import csv
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from attrs import frozen

from jackfield.errors import ConfigError
from jackfield.money import dollars

COUNTS: Final = ("cost", "input_tokens", "output_tokens", "requests")
"""What an invoice can tell; `cost` is in dollars there, and here in nano-dollars."""

_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "date": (
        *("date", "day", "usage_date", "usage_date_utc", "start_time_iso", "time", "start_time"),
        "chargeperiodstart",
    ),
    "model": ("model", "model_version", "model_name", "snapshot", "model_id", "line_item"),
    "request_id": ("request_id", "x_request_id", "id"),
    "cost": ("cost", "cost_usd", "amount", "amount_usd", "amount_value", "total", "billedcost"),
    "currency": ("currency", "amount_currency", "billing_currency", "billingcurrency"),
    "input_tokens": ("input_tokens", "prompt_tokens", "n_context_tokens_total"),
    "output_tokens": (
        *("output_tokens", "completion_tokens", "n_generated_tokens_total"),
        "usage_output_tokens",
    ),
    "requests": ("requests", "num_requests", "n_requests", "num_model_requests"),
}
_PARTS: Final = (
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
)
"""The columns of which Anthropic's input is the sum."""

_DELIMITERS: Final = ",;\t"
_EPOCH: Final = re.compile(r"\d{9,10}")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_SNAPSHOT: Final = re.compile(r"[-@]20\d\d-?\d\d-?\d\d$")


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


def family(model: str) -> str:
    """A model without the day of its snapshot: who asks for `gpt-4o` is billed for one of a day."""
    return _SNAPSHOT.sub("", model)


def read_invoice(path: Path) -> Invoice:
    """Read a file. Raises ConfigError, naming the line that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(_DELIMITERS, key=head.count))
            rows = [(reader.line_num, row) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    columns = _columns(path, rows[0][1] if rows else [])
    by_request = "request_id" in columns
    lines = []
    for number, row in rows[1:]:
        cells = {name: _sum_or_text(row, places) for name, places in columns.items()}
        try:
            line = _line(cells)
            if line.counts and not by_request and not (line.day and line.model):
                raise ValueError("has no date or no model: leave out totals and credits")
        except ValueError as error:
            raise ConfigError([f"{path}:{number}: {error}"]) from None
        if line.counts or by_request:  # exports have a line for each day, also where nothing was
            lines.append(line)
    return Invoice(lines, by_request)


def _columns(path: Path, head: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The places of each column that is understood; of several names the first counts."""
    plain = [re.sub(r"[ /-]", "_", name.strip().lower()) for name in head]
    found = {
        column: [plain.index(name)]
        for column, names in _NAMES.items()
        for name in names[::-1]
        if name in plain
    }
    if parts := [plain.index(name) for name in _PARTS if name in plain]:
        found.setdefault("input_tokens", parts)
    if "request_id" not in found and not {"date", "model"} <= found.keys():
        raise ConfigError([f"{path}: has neither the columns date and model, nor request_id"])
    if found.keys().isdisjoint(COUNTS):
        raise ConfigError([f"{path}: has none of the columns {', '.join(COUNTS)}"])
    return found


def _sum_or_text(row: Sequence[str], places: Sequence[int]) -> str:
    cells = [row[at].strip() for at in places if at < len(row)]
    return cells[0] if len(cells) == 1 else str(sum(_count("input_tokens", one) for one in cells))


def _line(cells: Mapping[str, str]) -> Line:
    if cells.get("currency", "usd").lower() not in ("usd", ""):
        raise ValueError(f"is in {cells['currency']}: amounts are compared in dollars")
    day = cells.get("date", "")
    counts = {name: _count(name, text) for name in COUNTS if (text := cells.get(name, ""))}
    # OpenAI tells what of a model it was behind a comma: "gpt-4o-2024-08-06, input".
    model = cells.get("model", "").partition(", ")[0]
    return Line(_day(day) if day else "", family(model), cells.get("request_id", ""), counts)


def _day(text: str) -> str:
    if _EPOCH.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC).date().isoformat()
    try:
        return dt.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError(f"{text!r} is no day; write it like 2026-11-30") from None


def _count(name: str, text: str) -> int:
    plain = text.removeprefix("$")
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise ValueError(f"{name} {text!r} is no number; a comma stands before three digits")
        plain = plain.replace(",", "")
    if name == "cost":
        return _dollars(plain)
    count = float(plain or 0)
    if count < 0 or not count.is_integer():
        raise ValueError(f"{name} {text!r} is no count")
    return int(count)


def _dollars(text: str) -> int:
    """Some tell more decimals than there are nano-dollars: those are rounded."""
    with suppress(InvalidOperation):
        text = str(round(Decimal(text), 9))
    return dollars(text)
