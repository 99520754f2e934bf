"""A provider's invoice: a CSV file whose columns may have various names."""

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
"""The counts of an invoice; `cost` is in dollars there, and in nano-dollars here."""

_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "date": (
        *("date", "day", "usage_date", "usage_date_utc", "start_time_iso", "time", "start_time"),
        *("chargeperiodstart", "usage_start_time", "usage_start_date"),
        *("line_item_usage_start_date", "lineitem_usagestartdate"),
    ),
    "model": ("model", "model_version", "model_name", "snapshot", "model_id", "line_item"),
    "request_id": ("request_id", "x_request_id", "id"),
    "cost": (
        *("cost", "cost_usd", "amount", "amount_usd", "amount_value", "total", "billedcost"),
        *("line_item_unblended_cost", "lineitem_unblendedcost", "costinbillingcurrency"),
    ),
    "currency": (
        *("currency", "amount_currency", "billing_currency", "billingcurrency"),
        *("billingcurrencycode", "line_item_currency_code", "lineitem_currencycode"),
    ),
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
"""The columns whose sum is Anthropic's input."""

_DELIMITERS: Final = ",;\t"
_EPOCH: Final = re.compile(r"\d{9,10}")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_NUMBER: Final = re.compile(r"-?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?", re.ASCII)
_LARGEST: Final = 10**18
_LONGEST_SHOWN: Final = 40
_MOST_SHOWN: Final = 20
_SNAPSHOT: Final = re.compile(r"[-@]20\d\d-?\d\d-?\d\d$")


@frozen
class Line:
    """One line, for a day and a model or for one request; `counts` has its counts."""

    day: str
    model: str
    request: str
    counts: Mapping[str, int]


@frozen
class Invoice:
    """The lines of a file. `by_request`: each line is for one request."""

    lines: Sequence[Line]
    by_request: bool

    @property
    def dated(self) -> bool:
        """Whether every line has a day."""
        return bool(self.lines) and all(line.day for line in self.lines)


def family(model: str) -> str:
    """A model without the date of its snapshot: `gpt-4o` is billed as one of its snapshots."""
    return _SNAPSHOT.sub("", model)


def read_invoice(path: Path) -> Invoice:
    """Parse a file. Raises ConfigError with the line that is invalid."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(_DELIMITERS, key=first.count))
            rows = [(reader.line_num, row) for row in reader if any(row)]
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8; save it as a CSV file in UTF-8"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except csv.Error as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    head = rows[0][1] if rows else []
    columns = _columns(path, head)
    by_request = "request_id" in columns
    lines = []
    for number, row in rows[1:]:
        try:
            _check_width(row, len(head))
            line = _line({name: _sum_or_text(row, places) for name, places in columns.items()})
            is_placed = line.request if by_request else line.day and line.model
            if any(line.counts.values()) and not is_placed:
                lacks = "request_id" if by_request else "date or no model"
                raise ValueError(f"has no {lacks}: leave out totals and credits")
        except ValueError as error:
            raise ConfigError([f"{path}:{number}: {error}"]) from None
        if is_placed and (line.counts or by_request):  # exports have lines for days without usage
            lines.append(line)
    if not lines:
        raise ConfigError([f"{path}: has no line with usage, so there is nothing to compare"])
    return Invoice(lines, by_request)


def _columns(path: Path, head: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The indexes of each known column; of several names the first in `_NAMES` counts."""
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
        raise _misses(path, head, "neither the columns date and model, nor request_id")
    if found.keys().isdisjoint(COUNTS):
        raise _misses(path, head, f"none of the columns {', '.join(COUNTS)}")
    for at in (at for places in found.values() for at in places):
        if plain.count(plain[at]) > 1:
            raise ConfigError([f"{path}: has the column {head[at].strip()!r} twice; leave one out"])
    return found


def _misses(path: Path, head: Sequence[str], what: str) -> ConfigError:
    known = ", ".join(name.strip()[:_LONGEST_SHOWN] for name in head[:_MOST_SHOWN])
    return ConfigError(
        [f"{path}: its first line has {what}, but {known or 'nothing'}; rename or add columns"]
    )


def _check_width(row: Sequence[str], width: int) -> None:
    if len(row) < width or any(row[width:]):
        raise ValueError(
            f"has {len(row)} cells and the first line has {width}: a cell with the delimiter in it"
            " needs quotes"
        )


def _sum_or_text(row: Sequence[str], places: Sequence[int]) -> str:
    cells = [row[at].strip() for at in places]
    return cells[0] if len(cells) == 1 else str(sum(_count("input_tokens", one) for one in cells))


def _line(cells: Mapping[str, str]) -> Line:
    if cells.get("currency", "usd").lower() not in ("usd", ""):
        raise ValueError(f"is in {cells['currency']}: amounts are compared in dollars")
    day = cells.get("date", "")
    counts = {name: _count(name, text) for name in COUNTS if (text := cells.get(name, ""))}
    # OpenAI appends the kind of usage to the model: "gpt-4o-2024-08-06, input".
    model = cells.get("model", "").partition(", ")[0]
    return Line(_day(day) if day else "", family(model), cells.get("request_id", ""), counts)


def _day(text: str) -> str:
    if _EPOCH.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC).date().isoformat()
    try:
        return dt.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it like 2026-11-30") from None


def _count(name: str, text: str) -> int:
    plain = text.removeprefix("$")
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise ValueError(f"{name} {text!r} is not a number; a comma must precede 3 digits")
        plain = plain.replace(",", "")
    if _NUMBER.fullmatch(plain):  # Decimal also reads other digits, and `_` between them
        with suppress(InvalidOperation):
            number = Decimal(plain or 0)
            if name == "cost":
                return _nano(number)
            if 0 <= number <= _LARGEST and number == number.to_integral_value():
                return int(number)
    raise ValueError(f"{name} {text!r} is not {'an amount' if name == 'cost' else 'a count'}")


def _nano(amount: Decimal) -> int:
    """Nano-dollars, rounded: some invoices have more decimals."""
    if amount < 0:
        raise ValueError(f"cost {amount} must not be negative: leave out totals and credits")
    return dollars(round(amount, 9))
