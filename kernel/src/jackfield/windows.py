"""Spans of time over which spending is counted: rolling, by a calendar, or for ever."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from attrs import field, frozen

ROLLING: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""The seconds of the units of a rolling window."""

CALENDAR: Final = ("hour", "day", "week", "month", "year")
"""The units of a calendar window. Weeks begin on Monday."""

LONGEST: Final = 366 * 86_400
"""Seconds of the longest rolling window."""

_TEXT = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)
_ALLOWED = '"30s", "1m", "24h", "30d", "4w", "hour", "day", "week", "month", "year" or "none"'


class Span(NamedTuple):
    """What a window is at one moment.

    What is spent now goes into `bucket`; what was spent in buckets from `since` on counts; what is
    spent now stops counting at `resets_at`. All are seconds of the store's clock.
    """

    bucket: int
    since: int
    resets_at: float


class Window(Protocol):
    """How long spending counts. Two that are equal count alike."""

    def span(self, now: float) -> Span:
        """The window at a moment of the store's clock."""

    def until(self, now: float) -> float:
        """How long the span of this moment stays what it is."""


@frozen
class Rolling:
    """The last so many seconds, counted in parts of whole seconds.

    A part counts until all of it is older than the window: what any `seconds` in a row may spend is
    never more than the limit, and a little less by what one part holds.
    """

    seconds: int
    parts: int = 60

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.seconds <= LONGEST:
            raise ValueError(
                f"a rolling window of {self.seconds} s is not possible: 1 s to 366 days are"
            )
        if self.parts < 1:
            raise ValueError(f"a window cannot have {self.parts} parts")

    @property
    def width(self) -> int:
        """Seconds of a part."""
        return -(-self.seconds // self.parts)

    def span(self, now: float) -> Span:
        """The part of this moment, and the oldest of which some second is in the window."""
        width = self.width
        bucket = int(now // width) * width
        since = int((now - self.seconds) // width) * width
        return Span(bucket, since, float(self._leaves(bucket)))

    def until(self, now: float) -> float:
        """Until the next part begins, or the oldest leaves."""
        span = self.span(now)
        return float(min(span.bucket + self.width, self._leaves(span.since)))

    def _leaves(self, bucket: int) -> int:
        """When a part no longer counts."""
        return bucket + self.width + self.seconds

    def __str__(self) -> str:
        for unit, seconds in reversed(ROLLING.items()):
            if self.seconds % seconds == 0:
                return f"{self.seconds // seconds}{unit}"
        raise AssertionError("a window is of whole seconds")


@frozen
class Calendar:
    """The current hour, day, week, month or year on the clocks of a zone.

    A period begins with the first moment at which the zone's clocks show its beginning or, where
    they skip that, what comes after it: a day may have 23 or 25 hours, and none is counted twice.
    """

    unit: str
    zone: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, eq=False)
    _last: list[Span] = field(init=False, repr=False, eq=False, factory=list)

    def __attrs_post_init__(self) -> None:
        if self.unit not in CALENDAR:
            raise ValueError(f"no calendar has the unit {self.unit!r}: use {', '.join(CALENDAR)}")
        object.__setattr__(self, "_zone", zone_named(self.zone))

    def span(self, now: float) -> Span:
        """The period of this moment."""
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
        """A period of days: the last one that has begun."""
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
        """The first second at which the clocks show the day's midnight, or are past it."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        moment = int(midnight.timestamp())
        shown = midnight.replace(tzinfo=None)
        if self._clock(moment) == shown:
            return moment
        skipped_from = int(midnight.replace(fold=1).timestamp())
        return _first(skipped_from, moment, lambda at: self._clock(at) >= shown)

    def _hour(self, now: float) -> tuple[int, int]:
        """An hour of the zone's clocks; it ends early where they are set by a part of an hour."""
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
    """All time: what is spent counts for good."""

    def span(self, now: float) -> Span:
        """The same at every moment."""
        return Span(0, 0, inf)

    def until(self, now: float) -> float:
        """For ever."""
        return inf

    def __str__(self) -> str:
        return "none"


def parse_window(text: str, zone: str = "UTC") -> Window:
    """The window that a text names: "24h" rolls, "month" is the calendar's, "none" is for ever.

    Raises ValueError, which names the text and what is allowed.
    """
    found = _TEXT.fullmatch(text)
    if text not in CALENDAR and zone != "UTC":
        raise ValueError(f"a zone is for windows of a calendar alone, and {text!r} is none")
    if text in CALENDAR:
        return Calendar(text, zone)
    if text == "none":
        return Forever()
    if found is None or int(found[1]) == 0:
        raise ValueError(f"no window is called {text!r}; windows are {_ALLOWED}")
    return Rolling(int(found[1]) * ROLLING[found[2]])


def zone_named(name: str) -> ZoneInfo:
    """A time zone. Raises ValueError for a name that is not in the IANA database."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"no time zone is called {name!r}; this system's tzdata has the names, as Europe/Berlin"
        ) from None


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first second in (low, high] for which something holds that holds from then on."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
