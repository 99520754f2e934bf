"""Time windows over which spending is counted: rolling, calendar or unlimited."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from attrs import field, frozen

ROLLING: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds per unit of a rolling window."""

CALENDAR: Final = ("hour", "day", "week", "month", "year")
"""The units of a calendar window. Weeks begin on Monday."""

LONGEST: Final = 366 * 86_400
"""Seconds in the longest rolling window."""

_TEXT = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)
_ALLOWED = '"30s", "1m", "24h", "30d", "4w", "hour", "day", "week", "month", "year" or "none"'


class Span(NamedTuple):
    """The bounds of a window at one moment.

    What is spent now goes into `bucket`; spending in buckets from `since` on counts; what is spent
    now stops counting at `resets_at`. All are seconds of the store's clock.
    """

    bucket: int
    since: int
    resets_at: float


class Window(Protocol):
    """How long spending counts. Equal windows count the same."""

    def span(self, now: float) -> Span:
        """The span of the window at this time of the store's clock."""

    def until(self, now: float) -> float:
        """The time until which the span of this moment stays the same."""


@frozen
class Rolling:
    """The last `seconds`, counted in parts of whole seconds.

    A part counts until all of it is older than the window: the spending of any `seconds` in a row
    never exceeds the limit, and may stop short of it by the content of one part.
    """

    seconds: int
    parts: int = 60

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.seconds <= LONGEST:
            raise ValueError(
                f"a rolling window of {self.seconds} s is not allowed: use 1 s to 366 days"
            )
        if self.parts < 1:
            raise ValueError(f"a window cannot have {self.parts} parts: use at least 1")

    @property
    def width(self) -> int:
        """Length of a part in seconds."""
        return -(-self.seconds // self.parts)

    def span(self, now: float) -> Span:
        """The current part, and the oldest part that overlaps the window."""
        width = self.width
        bucket = int(now // width) * width
        since = int((now - self.seconds) // width) * width
        return Span(bucket, since, float(self._leaves(bucket)))

    def until(self, now: float) -> float:
        """Until the next part begins or the oldest one expires."""
        span = self.span(now)
        return float(min(span.bucket + self.width, self._leaves(span.since)))

    def _leaves(self, bucket: int) -> int:
        """When a part stops counting."""
        return bucket + self.width + self.seconds

    def __str__(self) -> str:
        for unit, seconds in reversed(ROLLING.items()):
            if self.seconds % seconds == 0:
                return f"{self.seconds // seconds}{unit}"
        raise AssertionError("a window is of whole seconds")


@frozen
class Calendar:
    """The current hour, day, week, month or year in a time zone.

    A period begins at the first moment at which local time shows its beginning or, if a clock
    change skips that, the first moment after it: a day may have 23 or 25 hours, and no hour counts
    twice.
    """

    unit: str
    zone: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, eq=False)
    _last: list[Span] = field(init=False, repr=False, eq=False, factory=list)

    def __attrs_post_init__(self) -> None:
        if self.unit not in CALENDAR:
            raise ValueError(f"unknown calendar unit {self.unit!r}: use {', '.join(CALENDAR)}")
        object.__setattr__(self, "_zone", zone_named(self.zone))

    def span(self, now: float) -> Span:
        """The current period."""
        if self._last and self._last[0].bucket <= now < self._last[0].resets_at:
            return self._last[0]
        begin, end = self._hour(now) if self.unit == "hour" else self._period(now)
        span = Span(begin, begin, float(end))
        self._last[:] = [span]
        return span

    def until(self, now: float) -> float:
        """Until the period ends."""
        return self.span(now).resets_at

    def _period(self, now: float) -> tuple[int, int]:
        """The start and end of the last period of whole days that has begun."""
        first = self._first_day(self._clock(int(now // 1)).date())
        begin, following = self._begins(first), self._next_day(first)
        end = self._begins(following)
        while end <= now:
            begin, following = end, self._next_day(following)
            end = self._begins(following)
        return begin, end

    def _first_day(self, day: date) -> date:
        if self.unit == "week":
            return day - timedelta(days=day.weekday())
        if self.unit == "month":
            return day.replace(day=1)
        return day.replace(month=1, day=1) if self.unit == "year" else day

    def _next_day(self, first: date) -> date:
        days = {"day": 1, "week": 7, "month": 31, "year": 366}[self.unit]
        return self._first_day(first + timedelta(days=days))

    def _begins(self, day: date) -> int:
        """The first second at which local time is the day's midnight or later."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        moment = int(midnight.timestamp())
        shown = midnight.replace(tzinfo=None)
        if self._clock(moment) == shown:
            return moment
        skipped_from = int(midnight.replace(fold=1).timestamp())
        return _first(skipped_from, moment, lambda at: self._clock(at) >= shown)

    def _hour(self, now: float) -> tuple[int, int]:
        """An hour of local time; shorter if the clocks change by a fraction of an hour."""
        moment = int(now // 1)
        offset = self._offset(moment)
        begin = (moment + offset) // 3600 * 3600 - offset
        end = begin + 3600
        if self._offset(begin) != offset:
            begin = _first(begin, moment, lambda at: self._offset(at) == offset)
        if self._offset(end - 1) != offset:
            end = _first(moment, end - 1, lambda at: self._offset(at) != offset)
        return begin, end

    def _clock(self, moment: int) -> datetime:
        return datetime.fromtimestamp(moment, self._zone).replace(tzinfo=None)

    def _offset(self, moment: int) -> int:
        there = datetime.fromtimestamp(moment, self._zone).replace(tzinfo=UTC)
        return int(there.timestamp()) - moment

    def __str__(self) -> str:
        return f"{self.unit} ({self.zone})"


@frozen
class Forever:
    """All time: spending never expires."""

    def span(self, now: float) -> Span:
        """The same span at all times."""
        return Span(0, 0, inf)

    def until(self, now: float) -> float:
        """Infinity."""
        return inf

    def __str__(self) -> str:
        return "none"


def parse_window(text: str, zone: str = "UTC") -> Window:
    """Parse a window: "24h" is rolling, "month" a calendar period, "none" unlimited.

    Raises ValueError that names the text and what is allowed.
    """
    found = _TEXT.fullmatch(text)
    if text not in CALENDAR and zone != "UTC":
        raise ValueError(f"a time zone needs a calendar window such as 'day', not {text!r}")
    if text in CALENDAR:
        return Calendar(text, zone)
    if text == "none":
        return Forever()
    if found is None or int(found[1]) == 0:
        raise ValueError(f"unknown window {text!r}: use {_ALLOWED}")
    return Rolling(int(found[1]) * ROLLING[found[2]])


def zone_named(name: str) -> ZoneInfo:
    """A time zone. Raises ValueError for a name that is not in the IANA database."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"unknown time zone {name!r}: use a name of the system's tzdata, such as Europe/Berlin"
        ) from None


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first second in (low, high] for which `holds` is true; it must stay true from then on."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
