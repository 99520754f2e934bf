"""How much a model is asked to think, where others count tokens and OpenAI knows words."""

from typing import Final

_EFFORTS: Final = ((2048, "low"), (8192, "medium"))


def effort_of(budget: int) -> str:
    """The effort nearest to a budget of reasoning tokens."""
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")
