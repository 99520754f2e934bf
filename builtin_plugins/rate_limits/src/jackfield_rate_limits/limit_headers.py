"""Response headers with the state of the limits, in the format of each vendor."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from jackfield.allowances import Allowances

from .rate import LimitAccount, Measure


class LimitState(NamedTuple):
    """The state of one limit: what is left, and when what is spent now expires."""

    member: LimitAccount
    left: int
    resets_at: float


Writer = Callable[[dict[str, str], LimitAccount, int, float, float], None]
"""Adds to headers what is left of a limit of one measure, when it resets, and what time it is."""


class LimitHeaders:
    """The headers for callers of one dialect."""

    __slots__ = ("_rows",)

    def __init__(self, dialect: str, members: Sequence[LimitAccount]) -> None:
        by_measure: dict[Measure, list[LimitAccount]] = {}
        for member in members:
            if member.measure != "concurrent":
                by_measure.setdefault(member.measure, []).append(member)
        self._rows = [(_writer(dialect, measure), of_it) for measure, of_it in by_measure.items()]

    def write(
        self, allowances: Allowances, now: float, reached: LimitState | None = None
    ) -> dict[str, str]:
        """The tightest known limit of each measure; one that is reached comes first."""
        headers: dict[str, str] = {}
        for write, members in self._rows:
            if reached is not None and reached.member in members:
                write(headers, *reached, now)
                continue
            tightest, least, when = None, 0, 0.0
            for member in members:
                known = allowances.standing(member.limit, now)
                if known is not None and (tightest is None or known[0] < least):
                    tightest, (least, when) = member, known
            if tightest is not None:
                write(headers, tightest, least, when, now)
        return headers


def _writer(dialect: str, measure: Measure) -> Writer:
    if dialect.startswith("openai."):
        return _openai(measure)
    return _anthropic(measure) if dialect.startswith("anthropic.") else _ietf


def _openai(measure: Measure) -> Writer:
    what = measure.replace("_", "-")
    limit, remaining = f"x-ratelimit-limit-{what}", f"x-ratelimit-remaining-{what}"
    reset = f"x-ratelimit-reset-{what}"

    def write(
        headers: dict[str, str], member: LimitAccount, left: int, resets_at: float, now: float
    ) -> None:
        headers[limit] = member.amount
        headers[remaining] = str(left)
        headers[reset] = _duration(ceil(resets_at - now))

    return write


def _anthropic(measure: Measure) -> Writer:
    what = f"anthropic-ratelimit-{measure.replace('_', '-')}"
    limit, remaining, reset = f"{what}-limit", f"{what}-remaining", f"{what}-reset"

    def write(
        headers: dict[str, str], member: LimitAccount, left: int, resets_at: float, now: float
    ) -> None:
        headers[limit] = member.amount
        headers[remaining] = str(left)
        headers[reset] = _moment(ceil(resets_at))

    return write


def _ietf(
    headers: dict[str, str], member: LimitAccount, left: int, resets_at: float, now: float
) -> None:
    """`RateLimit` and `RateLimit-Policy` of the IETF draft."""
    name = f'"{member.name}-{member.measure}"'
    policy = f"{name};q={member.amount};w={getattr(member.limit.window, 'seconds', 0)}"
    state = f"{name};r={left};t={max(0, ceil(resets_at - now))}"
    for header, item in (("ratelimit-policy", policy), ("ratelimit", state)):
        before = headers.get(header)
        headers[header] = f"{before}, {item}" if before else item


@lru_cache(maxsize=4096)
def _duration(seconds: int) -> str:
    """A duration in OpenAI's format: `6m0s`, `12s`."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    return text + (f"{minutes}m{rest}s" if hours or minutes else f"{rest}s")


@lru_cache(maxsize=4096)
def _moment(seconds: int) -> str:
    """A time in the format of RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
