"""What a caller is told of its limits, in the words of its vendor's API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from .rate import Measure, Share


class Standing(NamedTuple):
    """How one limit stands: what is left, and when what is spent now no longer counts."""

    share: Share
    left: int
    resets_at: float


def headers(dialect: str, standings: Mapping[Measure, Standing], now: float) -> dict[str, str]:
    """The headers for a client that speaks a dialect."""
    told: dict[str, str] = {}
    if dialect.startswith("openai."):
        for measure, (share, left, resets_at) in standings.items():
            limit, remaining, reset = _openai_names(measure)
            told[limit] = share.amount
            told[remaining] = str(left)
            told[reset] = _duration(ceil(resets_at - now))
    elif dialect.startswith("anthropic."):
        for measure, (share, left, resets_at) in standings.items():
            limit, remaining, reset = _anthropic_names(measure)
            told[limit] = share.amount
            told[remaining] = str(left)
            told[reset] = _moment(ceil(resets_at))
    else:
        told = _ietf(standings, now)
    return told


@lru_cache
def _openai_names(measure: str) -> tuple[str, str, str]:
    what = measure.replace("_", "-")
    return (
        f"x-ratelimit-limit-{what}",
        f"x-ratelimit-remaining-{what}",
        f"x-ratelimit-reset-{what}",
    )


@lru_cache
def _anthropic_names(measure: str) -> tuple[str, str, str]:
    what = f"anthropic-ratelimit-{measure.replace('_', '-')}"
    return f"{what}-limit", f"{what}-remaining", f"{what}-reset"


def _ietf(standings: Mapping[Measure, Standing], now: float) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` of the IETF's draft."""
    policies, states = [], []
    for measure, (share, left, resets_at) in standings.items():
        name = f'"{share.name}-{measure}"'
        policies.append(f"{name};q={share.amount};w={getattr(share.limit.window, 'seconds', 0)}")
        states.append(f"{name};r={left};t={max(0, ceil(resets_at - now))}")
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(states)}


@lru_cache(maxsize=4096)
def _duration(seconds: int) -> str:
    """As OpenAI writes it: `6m0s`, `12s`."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    return text + (f"{minutes}m{rest}s" if hours or minutes else f"{rest}s")


@lru_cache(maxsize=4096)
def _moment(seconds: int) -> str:
    """As RFC 3339 writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
