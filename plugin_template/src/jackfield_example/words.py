"""Finds words in texts. It knows nothing of the gateway, so it is easy to test."""

import re
from collections.abc import Iterable


class WordFinder:
    """Finds whole words, whatever their case."""

    def __init__(self, words: Iterable[str]) -> None:
        alternatives = "|".join(re.escape(word) for word in words)
        self._pattern = (
            re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE) if alternatives else None
        )

    def found_in(self, text: str) -> bool:
        """Whether one of the words stands in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None
