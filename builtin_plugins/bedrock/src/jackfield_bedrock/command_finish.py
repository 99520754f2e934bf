"""Finish reasons: Cohere's names and the canonical ones."""

from collections.abc import Mapping
from typing import Final

from jackfield.messages import FinishReason

_FINISHES: Final[Mapping[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR": "error",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
    "USER_CANCEL": "other",
}
_WORDS: Final[Mapping[FinishReason, str]] = {
    "length": "MAX_TOKENS",
    "content_filter": "ERROR_TOXIC",
    "error": "ERROR",
}


def read_finish(word: str | None) -> FinishReason | None:
    """The canonical reason."""
    return _FINISHES.get(word, "other") if word else None


def write_finish(reason: FinishReason | None, word: str | None) -> str:
    """Cohere's name: the original one if it still means the same."""
    if word is not None and _FINISHES.get(word) == reason:
        return word
    return _WORDS.get(reason, "COMPLETE") if reason else "COMPLETE"
