"""Where windows begin and end, in every zone and over every change of its clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.windows import CALENDAR, Calendar, Forever, Rolling, parse_window

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
MOMENTS = st.integers(0, 4_102_444_800 * 1024).map(lambda at: at / 1024)  # exact in binary
SHOWN = {
    "hour": ("minute", "second"),
    "day": ("hour", "minute", "second"),
    "week": ("hour", "minute", "second"),
    "month": ("day", "hour", "minute", "second"),
    "year": ("month", "day", "hour", "minute", "second"),
}


def moment(zone: str, *clock: int) -> float:
    return datetime(*clock, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[misc, arg-type]


@given(st.sampled_from(ZONES), st.sampled_from(CALENDAR), MOMENTS)
def test_periods_follow_each_other_without_a_gap(zone: str, unit: str, now: float) -> None:
    span = Calendar(unit, zone).span(now)
    assert span.bucket <= now < span.resets_at
    assert span.since == span.bucket
    assert Calendar(unit, zone).span(span.bucket) == span
    assert Calendar(unit, zone).span(span.resets_at - 1) == span
    assert Calendar(unit, zone).span(span.resets_at).bucket == span.resets_at


@given(st.sampled_from(ZONES), st.sampled_from(CALENDAR), MOMENTS)
def test_a_period_begins_when_the_clocks_first_show_it(zone: str, unit: str, now: float) -> None:
    span = Calendar(unit, zone).span(now)
    there = ZoneInfo(zone)
    shown = datetime.fromtimestamp(span.bucket, there)
    before = datetime.fromtimestamp(span.bucket - 1, there)
    changed = shown.utcoffset() != before.utcoffset()
    begins = {"month": 1, "day": 1}
    assert changed or all(getattr(shown, name) == begins.get(name, 0) for name in SHOWN[unit])
    if unit == "week" and not changed:
        assert shown.weekday() == 0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("America/New_York", (2026, 3, 8), 23),
        ("Asia/Kolkata", (2026, 3, 29), 24),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("Asia/Beirut", (2026, 3, 29), 23),
        ("America/Havana", (2025, 11, 2), 25),
        ("Africa/Cairo", (2026, 4, 24), 23),
    ],
)
def test_a_day_has_as_many_hours_as_the_clocks_give_it(
    zone: str, day: tuple[int, int, int], hours: float
) -> None:
    span = Calendar("day", zone).span(moment(zone, *day, 12))
    assert (span.resets_at - span.bucket) / 3600 == hours


def test_a_day_whose_midnight_is_skipped_begins_with_its_first_moment() -> None:
    span = Calendar("day", "Africa/Cairo").span(moment("Africa/Cairo", 2026, 4, 24, 12))
    first = datetime.fromtimestamp(span.bucket, ZoneInfo("Africa/Cairo"))
    assert (first.day, first.hour) == (24, 1)
    before = datetime.fromtimestamp(span.bucket - 1, ZoneInfo("Africa/Cairo"))
    assert (before.day, before.hour) == (23, 23)


def test_a_day_that_a_zone_skipped_whole_is_none() -> None:
    calendar = Calendar("day", "Pacific/Apia")
    span = calendar.span(moment("Pacific/Apia", 2011, 12, 29, 12))
    following = datetime.fromtimestamp(calendar.span(span.resets_at).bucket, calendar._zone)
    assert following.day == 31


def test_the_month_of_a_zone_is_not_that_of_another() -> None:
    now = datetime(2026, 3, 1, 2, tzinfo=UTC).timestamp()
    assert Calendar("month").span(now).bucket == datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    there = Calendar("month", "America/New_York").span(now)
    assert there.resets_at == moment("America/New_York", 2026, 3, 1)


def test_weeks_begin_on_monday() -> None:
    span = Calendar("week", "Europe/Berlin").span(moment("Europe/Berlin", 2026, 11, 22, 23))
    assert span.bucket == moment("Europe/Berlin", 2026, 11, 16)
    assert span.resets_at == moment("Europe/Berlin", 2026, 11, 23)


@given(st.integers(1, 10**7), st.integers(1, 100), MOMENTS)
def test_a_rolling_window_counts_all_that_is_younger(seconds: int, parts: int, now: float) -> None:
    window = Rolling(seconds, parts)
    span = window.span(now)
    assert span.bucket <= now < span.bucket + window.width
    assert span.since <= now - seconds < span.since + window.width


@given(st.integers(1, 10**7), st.integers(1, 100), MOMENTS)
def test_what_is_spent_now_counts_until_the_window_resets(
    seconds: int, parts: int, now: float
) -> None:
    window = Rolling(seconds, parts)
    span = window.span(now)
    assert span.resets_at - now >= seconds
    assert window.span(span.resets_at - 0.25).since <= span.bucket
    assert window.span(span.resets_at).since > span.bucket


@given(st.integers(1, 10**7), st.integers(1, 100), MOMENTS)
def test_a_span_holds_until_it_says(seconds: int, parts: int, now: float) -> None:
    window = Rolling(seconds, parts)
    until = window.until(now)
    assert until > now
    assert window.span(until - 2**-12) == window.span(now)
    assert window.span(until) != window.span(now)


def test_for_ever_never_resets() -> None:
    assert Forever().span(1e9) == (0, 0, float("inf"))


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("1m", Rolling(60)),
        ("24h", Rolling(86_400)),
        ("30d", Rolling(30 * 86_400)),
        ("1w", Rolling(604_800)),
        ("none", Forever()),
        ("month", Calendar("month")),
    ],
)
def test_windows_are_read_and_shown(text: str, window: object) -> None:
    assert parse_window(text) == window
    assert str(parse_window(str(Rolling(5400)))) == "90m"


def test_a_calendar_s_window_may_have_a_zone() -> None:
    assert parse_window("day", "Asia/Tokyo") == Calendar("day", "Asia/Tokyo")
    assert str(Calendar("day", "Asia/Tokyo")) == "day (Asia/Tokyo)"


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1.5h", "d", "30", "fortnight", "400d", "٣d"])
def test_what_is_no_window_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"window"):
        parse_window(text)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "UTC\0", "europe", "/etc/zone"])
def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        parse_window("day", zone)


def test_a_rolling_window_takes_no_zone() -> None:
    with pytest.raises(ValueError, match="needs a calendar window"):
        parse_window("1h", "Asia/Tokyo")
