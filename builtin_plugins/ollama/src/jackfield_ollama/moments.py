"""Times in Ollama's form (RFC 3339) and as Unix seconds."""

from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """The current time."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def to_seconds(moment: Any) -> int | None:
    """Unix seconds; None for an invalid time or Go's zero."""
    if not isinstance(moment, str):
        return None
    try:
        seconds = int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def from_seconds(seconds: int | None) -> str:
    """The time for some Unix seconds; the current time if they are None or invalid."""
    if seconds is None:
        return now()
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return now()
