"""Tokens as the demo counts them: a word and the space before it, split every six characters."""

import re

_TOKEN = re.compile(r"\s*\S{1,6}|\s+")

ATTACHMENT = 85
"""What an image, a sound or a document counts."""


def tokens_of(text: str) -> list[str]:
    """The tokens; joined, they are the text."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(tokens_of(text))
