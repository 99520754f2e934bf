"""Amounts that fit into SQLite's integers, whatever is posted."""

from typing import Final

MOST: Final = 2**62
"""The most that one row counts: half of what an integer of SQLite holds."""


def limited(amount: int) -> int:
    """The amount, brought within `MOST` of 0."""
    return max(-MOST, min(amount, MOST))
