"""Cells: hourly counters, one series for all similar exchanges."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from jackfield.store import Tally

from .record import CLASSES, Record

PREFIX: Final = "usage:"
HOUR: Final = 3600

COUNTS: Final = ("requests", "errors", "estimated", "price_missing", "cost", *CLASSES)
"""The counters, in the order of the reports; `cost` is in nano-dollars."""


class Cell(msgspec.Struct, frozen=True, array_like=True):
    """What the exchanges of one series have in common."""

    scopes: tuple[str, ...]
    provider: str
    model: str
    operation: str
    tags: Mapping[str, str] = {}


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Cell).decode


def scope_of(tenant: str) -> str:
    """The store's scope of the records and cells of a tenant."""
    return PREFIX + tenant


def tenant_of(scope: str) -> str | None:
    """The tenant of a scope of the store; None for scopes of other plugins."""
    return scope.removeprefix(PREFIX) if scope.startswith(PREFIX) else None


def tallies_of(record: Record, tags: tuple[str, ...]) -> tuple[Tally, ...]:
    """The additions to counters for a record; only the tags in `tags` are kept apart."""
    own = record.tags
    kept = tuple([(name, own[name]) for name in tags if name in own]) if own else ()
    series = _series(record.scopes, record.provider, record.model, record.operation, kept)
    hour = int(record.time // HOUR) * HOUR
    return tuple(
        [Tally(series, hour, name, count) for name, count in counts_of(record).items() if count]
    )


@lru_cache(maxsize=4096)
def _series(
    scopes: tuple[str, ...],
    provider: str,
    model: str,
    operation: str,
    tags: tuple[tuple[str, str], ...],
) -> str:
    return PREFIX + _encode(Cell(scopes, provider, model, operation, dict(tags))).decode()


def counts_of(record: Record) -> dict[str, int]:
    """The counts of a record."""
    first = 0 if record.corrects or record.request else 1
    return {
        "requests": first,
        "errors": first if record.status >= 400 else 0,
        "estimated": 1 if record.basis != "reported" and not record.corrects else 0,
        "price_missing": first if record.price_missing else 0,
        "cost": record.cost,
        **record.tokens,
    }


def cell_of(series: str) -> Cell:
    """Parse a series. Raises msgspec.DecodeError."""
    return _decode(series.removeprefix(PREFIX))
