"""Points in time as Ollama writes them (RFC 3339) and as the canonical form has them."""

from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """This moment."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def to_seconds(moment: Any) -> int | None:
    """Unix seconds; None for what is no moment, or is Go's zero."""
    if not isinstance(moment, str):
        return None
    try:
        seconds = int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def from_seconds(seconds: int | None) -> str:
    """The moment of some Unix seconds; this one where they are not known or are no moment."""
    if seconds is None:
        return now()
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return now()
