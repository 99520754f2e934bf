"""Bars that show a part of a whole at a glance."""

from typing import Final

from .terminal import Styled, bad, doubtful, good

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"
_NEARLY: Final = 0.8


def bar(part: float, whole: float, width: int = 20) -> Styled:
    """A bar `width` columns wide: red when full, yellow from 80 %."""
    share = min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
    full, eighth = divmod(round(share * width * 8), 8)
    text = (_FULL * full + (_EIGHTHS[eighth] if eighth else "")).ljust(width)
    colour = bad if share >= 1 else doubtful if share >= _NEARLY else good
    return colour(text)
