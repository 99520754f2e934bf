"""Writes records as a table to a file: CSV, or Parquet with pyarrow."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from jackfield.commands import AdminClient
from jackfield.errors import ConfigError

from .csv_cells import plain_cell
from .record import CLASSES
from .tally_sheet import records

_TEXTS: Final = (
    "id",
    "tenant",
    "key",
    "provider",
    "model",
    "requested_model",
    "operation",
    "dialect",
    "tier",
    "basis",
    "outcome",
    "corrects",
    "request",
    "cost_dollars",
)
_PLAIN_TEXTS: Final = tuple([name for name in _TEXTS if name != "cost_dollars"])
"""Texts that callers may influence; a negative cost is not a formula."""

_NESTED: Final = ("scopes", "tags", "units", "charged")
_COUNTS: Final = ("cost_nano", "status", *CLASSES)
_BATCH: Final = 10_000


def export(client: AdminClient, path: Path, query: Mapping[str, str]) -> int:
    """Write the records that match a query; returns their number.

    An existing file is replaced once all of them are written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError([f"{path}: records are exported to a .csv or a .parquet file"])
    found, part = records(client, query), path.with_name(f"{path.name}.part")
    try:
        if path.suffix == ".csv":
            count = write_csv(part, found)
        else:
            count = _write_parquet(part, map(_row, found))
        part.replace(path)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror or error}"]) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return count


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "time": dt.datetime.fromtimestamp(record["time"], dt.UTC),
        **{name: record[name] for name in _TEXTS},
        **{name: msgspec.json.encode(record[name]).decode() for name in _NESTED},
        "cost_nano": record["cost"],
        "status": record["status"],
        **{name: record["tokens"].get(name, 0) for name in CLASSES},
        "seconds": record["seconds"],
        "stream": record["stream"],
        "price_missing": record["price_missing"],
    }


def _names() -> Sequence[str]:
    flags = ("seconds", "stream", "price_missing")
    return ("time", *_TEXTS, *_NESTED, *_COUNTS, *flags)


def write_csv(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write records without cells that are formulas; returns their number."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _names())
        writer.writeheader()
        for row in map(_row, records):
            plain = {name: plain_cell(row[name]) for name in _PLAIN_TEXTS}
            time = row["time"].isoformat(timespec="microseconds")
            writer.writerow({**row, **plain, "time": time})
            count += 1
    return count


def _write_parquet(path: Path, rows: Iterator[Mapping[str, Any]]) -> int:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        problem = "Parquet needs pyarrow: pip install 'jackfield-usage[parquet]'"
        raise ConfigError([problem]) from None
    kinds = {"time": arrow.timestamp("us", tz="UTC"), "seconds": arrow.float64()}
    kinds |= dict.fromkeys(("stream", "price_missing"), arrow.bool_())
    kinds |= dict.fromkeys(_COUNTS, arrow.int64())
    schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in _names()])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(arrow.Table.from_pylist(batch, schema))
            count += len(batch)
    return count
