"""Finds words in texts. It does not depend on the gateway, so it is easy to test."""

import re
from collections.abc import Iterable


class WordFinder:
    """Finds whole words, ignoring case."""

    def __init__(self, words: Iterable[str]) -> None:
        alternatives = "|".join(re.escape(word) for word in words)
        self._pattern = (
            re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE) if alternatives else None
        )

    def found_in(self, text: str) -> bool:
        """Whether the text contains one of the words."""
        return self._pattern is not None and self._pattern.search(text) is not None
