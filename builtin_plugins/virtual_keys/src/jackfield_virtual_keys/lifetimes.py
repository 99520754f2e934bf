"""Durations in text form: `90d`, `12h`, `30m`, `45s`, `0`."""

import re
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LONGEST: Final = 365_250 * 86_400
"""Seconds of the longest; a calendar has no days for much more."""

_WRITTEN: Final = re.compile(r"0|([1-9][0-9]{0,6})([smhdw])")


def seconds_of(text: str) -> int:
    """The seconds of a duration. Raises ValueError."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'no duration is {text[:40]!r}; write it like "90d", "12h" or "30m"')
    seconds = int(match[1]) * _UNITS[match[2]] if match[2] else 0
    if seconds > LONGEST:
        raise ValueError(f"more than 1,000 years: {text[:40]!r}")
    return seconds


def text_of(seconds: int) -> str:
    """The text form of a duration, in the largest unit without a fraction; days, not weeks."""
    unit = next(one for one in ("d", "h", "m", "s") if seconds % _UNITS[one] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
