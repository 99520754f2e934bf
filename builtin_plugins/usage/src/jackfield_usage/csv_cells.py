"""Cells of CSV files, which people open in spreadsheets."""

from typing import Final

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with, also in the wide forms of East Asian text."""


def plain_cell(text: str) -> str:
    """A text that no spreadsheet interprets as a formula: if it might, `'` is put before it.

    Leading spaces do not prevent that.
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text
