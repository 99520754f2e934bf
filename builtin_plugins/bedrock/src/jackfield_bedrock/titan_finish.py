"""Finish reasons: Titan's names and the canonical ones."""

from collections.abc import Mapping
from typing import Final

from jackfield.messages import FinishReason

_FINISHES: Final[Mapping[str, FinishReason]] = {
    "FINISH": "stop",
    "FINISHED": "stop",
    "LENGTH": "length",
    "STOP_CRITERIA_MET": "stop",
    "CONTENT_FILTERED": "content_filter",
    "RAG_QUERY_WHEN_RAG_DISABLED": "other",
}
_WORDS: Final[Mapping[FinishReason | None, str]] = {
    "length": "LENGTH",
    "content_filter": "CONTENT_FILTERED",
}


def read_finish(word: str | None) -> FinishReason | None:
    """The canonical reason."""
    return _FINISHES.get(word, "other") if word else None


def write_finish(reason: FinishReason | None, word: str | None) -> str:
    """Titan's name: the original one if it still means the same."""
    if word is not None and _FINISHES.get(word) == reason:
        return word
    return _WORDS.get(reason, "FINISH")
