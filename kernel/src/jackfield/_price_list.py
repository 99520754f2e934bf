"""Entries of the price book: rates and the days on which they apply; and the shipped entries."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import field, frozen

from jackfield.globs import matches

_DATA: Final = Path(__file__).with_name("data") / "prices.json"
_WHEN: Final = re.compile(
    r"(?:hours (?P<first>1?\d|2[0-3])-(?P<last>1?\d|2[0-4]))?"
    r"(?:(?:^| )(?!above |hours )(?P<tier>[a-z_]+))?"
    r"(?:(?:^| )above (?P<above>[1-9]\d*))?"
)


@frozen
class Entry:
    """Rates in nano-dollars that apply on the days in [since, until), counted from 1970.

    `when` has the rates that differ under a condition.
    """

    rates: Mapping[str, int]
    when: Mapping[str, Mapping[str, int]] = field(factory=dict)
    since: int = 0
    until: int = 1 << 31

    def __attrs_post_init__(self) -> None:
        for condition in self.when:
            if not condition or not _WHEN.fullmatch(condition):
                raise ValueError(
                    f"unknown condition {condition!r}: write a service tier such as 'batch',"
                    " 'above 200000', 'hours 1-4', or several: 'hours 1-4 batch above 200000'"
                )

    def holds(self, day: int) -> bool:
        """Whether the entry applies on a day."""
        return self.since <= day < self.until

    def at(self, hour: int) -> Iterator[tuple[str, Mapping[str, int]]]:
        """The conditions that can be met in an hour of the day, without their hours."""
        for condition, rates in self.when.items():
            found = _WHEN.fullmatch(condition)
            if found is None or found["first"] is None:
                yield condition, rates
                continue
            first, last = int(found["first"]), int(found["last"])
            if (hour - first) % 24 <= (last - first - 1) % 24:  # they may span midnight
                yield condition[found.end("last") :].strip(), rates


def days_between(since: str | None, until: str | None) -> tuple[int, int]:
    """Two dates as days since 1970. Raises ValueError if the first is not before the second."""

    def day(text: str | None, default: int) -> int:
        epoch = dt.date(1970, 1, 1)
        return default if text is None else (dt.date.fromisoformat(text) - epoch).days

    first, last = day(since, 0), day(until, 1 << 31)
    if first >= last:
        raise ValueError(f"since {since!r} is not before until {until!r}")
    return first, last


def read_condition(condition: str) -> tuple[str, int]:
    """The service tier of a condition, and the input length above which it applies; -1 for any."""
    found = _WHEN.fullmatch(condition)
    return (found["tier"] or "", int(found["above"] or -1)) if found else ("", -1)


class ProviderEntries:
    """The shipped entries of one provider: by exact names, and by patterns, the longest first."""

    def __init__(self) -> None:
        self.exact: dict[str, list[Entry]] = {}
        self.patterns: list[tuple[str, Entry]] = []

    def add(self, match: Iterable[str], entry: Entry) -> None:
        for pattern in match:
            if "*" in pattern:
                self.patterns.append((pattern, entry))
            else:
                self.exact.setdefault(pattern, []).append(entry)


@cache
def provider_entries() -> Mapping[str, ProviderEntries]:
    """The shipped entries, by provider. Read at first use."""
    found: dict[str, ProviderEntries] = {}
    for group in msgspec.json.decode(_DATA.read_bytes())["groups"]:
        entries = [(listed["match"], _read(listed)) for listed in group["prices"]]
        for provider in group["providers"]:
            of_provider = found.setdefault(provider, ProviderEntries())
            for match, entry in entries:
                of_provider.add(match, entry)
    for of_provider in found.values():
        of_provider.patterns.sort(key=lambda pair: -len(pair[0]))
    return found


def _read(listed: Mapping[str, Any]) -> Entry:
    days = days_between(listed.get("since"), listed.get("until"))
    return Entry(listed["rates"], listed.get("when", {}), *days)


def shipped_entries(vendors: Iterable[str], model: str, day: int) -> Iterator[Entry]:
    """The shipped entries for a model on a day, the most specific first."""
    for of_provider in filter(None, map(provider_entries().get, vendors)):
        for entry in of_provider.exact.get(model, ()):
            if entry.holds(day):
                yield entry
        for pattern, entry in of_provider.patterns:
            if entry.holds(day) and matches(pattern, model):
                yield entry
