"""The demo's tokens: a word with the space before it, split every six characters."""

import re

_TOKEN = re.compile(r"\s*\S{1,6}|\s+")

ATTACHMENT = 85
"""Tokens counted for an image, an audio clip or a document."""


def tokens_of(text: str) -> list[str]:
    """Split a text into tokens; joined, they are the text."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Number of tokens in a text."""
    return len(tokens_of(text))
